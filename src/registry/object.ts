export { type KubeObject, metaOf } from '../machinery/object.ts'
