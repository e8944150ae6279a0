/** An absolute http(s) URL without credentials, of a length that every service takes; else undefined. */
export function webUrl(value: string | undefined): string | undefined {
  if (value === undefined || value.length > 2048) return undefined;
  const url = URL.parse(value);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:") || url.username !== "" || url.password !== "") return undefined;
  return url.href.length > 2048 ? undefined : url.href;
}
