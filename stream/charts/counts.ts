/** A count as a person reads it: `12,034`. The formatter is made once: charts tell counts with every frame. */
export const { format: grouped } = new Intl.NumberFormat('en')
