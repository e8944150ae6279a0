import type { Dispatcher } from "undici";
import { DeliveryError } from "./delivery-error.ts";

/**
 * Lets a request begin only while `mayBegin` says so. It is asked when the request is about to be written, after every wait
 * for an address, a connection or its turn: a process that was frozen in between sends nothing when it wakes.
 */
export const fence =
  (mayBegin: () => boolean): Dispatcher.DispatcherComposeInterceptor =>
  (dispatch) =>
  (options, handler) =>
    dispatch(options, {
      onRequestStart: (controller, context) => {
        if (!mayBegin()) controller.abort(new DeliveryError("NotLeading", "this controller no longer leads, and begins no request"));
        else handler.onRequestStart?.(controller, context);
      },
      onRequestUpgrade: (...started) => handler.onRequestUpgrade?.(...started),
      onResponseStart: (...started) => handler.onResponseStart?.(...started),
      onResponseData: (...data) => handler.onResponseData?.(...data),
      onResponseEnd: (...ended) => handler.onResponseEnd?.(...ended),
      onResponseError: (...failed) => handler.onResponseError?.(...failed),
    });
