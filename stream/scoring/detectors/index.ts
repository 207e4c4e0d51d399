/** The table of detectors: a new one is one file and one row. */
import { StreamError } from '../../errors.ts'
import { SeriesDetector } from '../detector.ts'
import type { Detector, DetectorOptions, Series } from '../detector.ts'
import { Autoencoder } from './autoencoder.ts'
import { Distance } from './distance.ts'
import { SeriesEnsemble } from './ensemble.ts'
import { Ewma } from './ewma.ts'
import { LinearForecast } from './forecast.ts'
import { HalfSpaceTrees } from './half-space-trees.ts'
import { HoltWinters } from './holt-winters.ts'
import { IsolationForest } from './isolation-forest.ts'
import { KnnCad } from './knn-cad.ts'
import { ForecastError } from './likelihood.ts'
import { Mad } from './mad.ts'
import { MatrixProfile } from './matrix-profile.ts'
import { Range } from './range.ts'
import { RelativeEntropy } from './relative-entropy.ts'
import { RollingZ } from './rolling-z.ts'
import { RandomCutForest } from './rrcf.ts'
import { Seasonal } from './seasonal.ts'
import { shingledIfOne } from './shingle.ts'
import { SpectralResidual } from './spectral-residual.ts'

type Maker = (options: DetectorOptions) => Detector

/** One per feature. */
function perFeature(make: (options: DetectorOptions) => Series): Maker {
  return options => new SeriesDetector(options, make)
}

/** A row as it is; of a single series the last `length` values. */
function vectors(length: number, make: Maker): Maker {
  return options => shingledIfOne(length, options, make)
}

const ensemble: Maker = options =>
  options.features === 1 ? new SeriesDetector(options, o => new SeriesEnsemble(o)) : new Distance(options)

const makers = {
  range: perFeature(() => new Range()),
  ewma: perFeature(() => new Ewma()),
  'rolling-z': perFeature(() => new RollingZ()),
  mad: perFeature(() => new Mad()),
  'holt-winters': perFeature(o => new ForecastError(new HoltWinters(o))),
  seasonal: perFeature(o => new ForecastError(new Seasonal(o))),
  'relative-entropy': perFeature(o => new RelativeEntropy(o)),
  'half-space-trees': vectors(10, o => new HalfSpaceTrees(o)),
  'isolation-forest': vectors(10, o => new IsolationForest(o)),
  rrcf: vectors(12, o => new RandomCutForest(o)),
  'knn-cad': perFeature(o => new KnnCad(o)),
  'spectral-residual': perFeature(() => new SpectralResidual()),
  'matrix-profile': perFeature(() => new MatrixProfile()),
  autoencoder: vectors(24, o => new Autoencoder(o)),
  forecast: perFeature(() => new ForecastError(new LinearForecast())),
  ensemble,
  auto: ensemble,
} satisfies Record<string, Maker>

export type DetectorName = keyof typeof makers

export const detectorNames = Object.keys(makers) as readonly DetectorName[]

export function isDetectorName(name: string): name is DetectorName {
  return Object.hasOwn(makers, name)
}

/** Scores with a meaning of their own: a fifth of the range outside of it (softened: a half), the limit of the test. */
const limits: Readonly<Partial<Record<DetectorName, number>>> = {
  range: 0.2,
  'relative-entropy': 1,
  ensemble: 0.5,
  auto: 0.5,
}

/** The score of one feature from which on a row is unusual by the detector's own measure; undefined when it has none. */
export function ownLimit(name: string): number | undefined {
  return isDetectorName(name) ? limits[name] : undefined
}

/** @throws StreamError OPTION_INVALID for a name that is none */
export function makeDetector(name: string, options: DetectorOptions): Detector {
  if (isDetectorName(name)) return makers[name](options)
  throw new StreamError({
    code: 'OPTION_INVALID',
    message: `Cannot score with detector "${name}": it is not one of ${detectorNames.join(', ')}`,
  })
}
