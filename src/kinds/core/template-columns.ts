import type { CoreV1Container, CoreV1PodTemplateSpec } from '../../generated/types.ts'
import { type LabelSelectorObject, labelSelectorFromObject } from '../../machinery/label-selector.ts'
import { SelectorError } from '../../machinery/label-selector-parser.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { type Column, column } from '../../registry/columns.ts'

const names = (containers: CoreV1Container[] | undefined): string => (containers ?? []).map((c) => c.name ?? '').join(',')
const images = (containers: CoreV1Container[] | undefined): string => (containers ?? []).map((c) => c.image ?? '').join(',')

/** The containers of a template and their images, as controllers show them with `-o wide`. */
export function containerColumns<T extends KubeObject>(
  template: (object: T) => CoreV1PodTemplateSpec | undefined,
  wide = true,
): Column<T>[] {
  return [
    column('Containers', 'Names of each container in the template.', (object: T) => names(template(object)?.spec?.containers), {
      wide,
    }),
    column(
      'Images',
      'Images referenced by each container in the template.',
      (object: T) => images(template(object)?.spec?.containers),
      { wide },
    ),
  ]
}

/** A label selector's text. */
export function selectorText(selector: object | undefined): string {
  try {
    return labelSelectorFromObject(selector as LabelSelectorObject | undefined).toString()
  } catch (error) {
    if (error instanceof SelectorError) return '<invalid>'
    throw error
  }
}

/** The canonical text of a plain map as a selector; '' when it is empty. */
export function selectorOfMap(labels: Readonly<Record<string, string>> | undefined): string {
  const keys = Object.keys(labels ?? {}).sort()
  return keys.map((key) => `${key}=${labels?.[key]}`).join(',')
}

/** The same as tables print it. */
export const labelsText = (labels: Readonly<Record<string, string>> | undefined): string => selectorOfMap(labels) || '<none>'

/** A label selector as tables print it. */
export function shownSelector(selector: object | undefined): string {
  const text = selectorText(selector)
  return text === '<invalid>' ? '<error>' : text || '<none>'
}
