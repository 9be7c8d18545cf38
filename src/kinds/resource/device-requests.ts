import type { ResourceV1DeviceClaim, ResourceV1DeviceSubRequest, ResourceV1ExactDeviceRequest } from '../../generated/types.ts'

/** Defaults of the devices that a claim (or a template of one) asks for. */
export function defaultDeviceRequests(devices: ResourceV1DeviceClaim | undefined): void {
  for (const request of devices?.requests ?? []) {
    if (request.exactly) defaultRequest(request.exactly)
    for (const alternative of request.firstAvailable ?? []) defaultRequest(alternative)
  }
}

function defaultRequest(request: ResourceV1ExactDeviceRequest | ResourceV1DeviceSubRequest): void {
  if (!request.allocationMode) request.allocationMode = 'ExactCount'
  if (request.allocationMode === 'ExactCount' && !request.count) request.count = 1
}
