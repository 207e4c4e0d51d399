import assert from 'node:assert/strict'
import { test } from 'node:test'
import { installTarget, searchedFolders, userDataFolder } from './jupyter-paths.ts'
import { SetupProblem } from './setup/problem.ts'

test('the user folder follows the platform, XDG and JUPYTER_DATA_DIR', () => {
  assert.equal(userDataFolder({ env: {}, platform: 'linux', home: '/h' }), '/h/.local/share/jupyter')
  assert.equal(userDataFolder({ env: { XDG_DATA_HOME: '/x' }, platform: 'linux', home: '/h' }), '/x/jupyter')
  assert.equal(userDataFolder({ env: {}, platform: 'darwin', home: '/h' }), '/h/Library/Jupyter')
  assert.equal(userDataFolder({ env: { JUPYTER_DATA_DIR: '/d' }, platform: 'darwin', home: '/h' }), '/d')
})

test('a virtual environment is searched before the user folder, another prefix after it', () => {
  const system = ['/usr/local/share/jupyter', '/usr/share/jupyter']
  assert.deepEqual(searchedFolders(['/p'], { env: {}, platform: 'linux', home: '/h' }), [
    '/h/.local/share/jupyter',
    '/p/share/jupyter',
    ...system,
  ])
  assert.deepEqual(
    searchedFolders(['/p'], { env: { VIRTUAL_ENV: '/p', JUPYTER_PATH: '/first' }, platform: 'linux', home: '/h' }),
    ['/first', '/p/share/jupyter', '/h/.local/share/jupyter', ...system],
  )
})

test('an install takes one place only', async () => {
  assert.equal(await installTarget({ prefix: '/p' }), '/p/share/jupyter')
  await assert.rejects(installTarget({ user: true, prefix: '/p' }), SetupProblem)
})
