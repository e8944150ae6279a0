import { BlockList, isIP, isIPv6 } from "node:net";

/** Which of the two an address is; what is none counts as `ipv4`. */
export const familyOf = (address: string): "ipv4" | "ipv6" => (isIPv6(address) ? "ipv6" : "ipv4");

/** A list of ranges in CIDR notation: `10.0.0.0/8`, `fd00::/8`. What is none is left out. */
export function rangesOf(cidrs: Iterable<string>): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [network = "", prefix = "", ...more] = cidr.split("/");
    const bits = { 0: -1, 4: 32, 6: 128 }[isIP(network)] ?? -1;
    if (more.length === 0 && /^[0-9]{1,3}$/.test(prefix) && Number(prefix) <= bits) list.addSubnet(network, Number(prefix), familyOf(network));
  }
  return list;
}
