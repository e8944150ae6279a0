import type { Request, RequestHandler } from "express";
import type { ServerLimits } from "./limits.ts";

/** What the body may come to: what its length says, or the most that is read of one that does not say it. */
function sizeOf(request: Request, most: number): number {
  const said = Number(request.headers["content-length"] ?? most);
  return said >= 0 ? Math.min(said, most) : most;
}

/**
 * Lets requests pass while the bodies of all that are not yet answered come to no more than `bodiesBytes`. Others are given to
 * `refuse`, and their body is not read.
 */
export function boundBodies({ bodyBytes, bodiesBytes }: ServerLimits, refuse: RequestHandler): RequestHandler {
  let taken = 0;
  return (request, response, next) => {
    const size = sizeOf(request, bodyBytes);
    if (taken + size > bodiesBytes) {
      refuse(request, response, next);
      return;
    }
    taken += size;
    response.once("close", () => {
      taken -= size;
    });
    next();
  };
}
