import { unbuilt } from './flag.ts'
import { string } from './flag-types.ts'

export const traces = {
  'tracing-config-file': unbuilt(string, '', 'File that says where traces go, and how many.'),
}
