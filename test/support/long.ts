import process from 'node:process'

/** Whether this run may take minutes: `LONG_FAULTS=1` asks for faults as long as they are promised to be survived. */
export const isLong = process.env.LONG_FAULTS === '1'
