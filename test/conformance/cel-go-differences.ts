/** Where src/filter and cel-go are known not to agree. */
export interface Difference {
  readonly reason: string;
  readonly expression?: RegExp;
  /** What src/filter says, as `describe` writes it: `refused CODE: message`, `absent`, `error CODE` or `value JSON`. */
  readonly ours: RegExp;
  /** What cel-go says: `refused message`, `error message` or `value JSON`. */
  readonly celGo: RegExp;
}

const accepted = /^(?:value|error|absent)/;

/** Each has an expression in cel-go-corpus.txt that shows it, so that none outlives its reason. */
export const differences: readonly Difference[] = [
  { reason: "our bounds on size, cost and depth", ours: /^refused Filter(?:Too(?:Long|Complex|Expensive)|InvalidLiteral: .*too large; use fewer)/, celGo: accepted },
  { reason: "what does not apply is absent in our events, never null; cel-go takes null for a timestamp, a duration or an object", ours: /^refused FilterTypeMismatch:.*null_type/, celGo: accepted },
  { reason: "keys of maps are bool, int, uint or string in CEL; cel-go looks at a literal's keys only when it runs", ours: /^refused FilterTypeMismatch:.*cannot be a map's key/, celGo: accepted },
  { reason: "and finds out nothing about lists and maps as keys even then", expression: /[)\]\w]\s*:/, ours: /^error FilterWrongType/, celGo: accepted },
  { reason: "only maps with texts as keys have fields; cel-go finds no such key when it runs", ours: /^refused FilterUnknownField: a map\((?!string)/, celGo: accepted },
  { reason: "cel-go checks a literal pattern only where matches() is written as a method", expression: /(?<![.\w])matches\(/, ours: /^refused FilterInvalidLiteral: this pattern is not valid/, celGo: accepted },
  { reason: "and where it is written as a function, cel-go takes the text for the pattern", expression: /(?<![.\w])matches\(/, ours: accepted, celGo: /^refused .*invalid matches argument/ },
  { reason: "RE2 has no two groups of one name; Go's regular expressions have", expression: /matches/, ours: /^refused .*duplicate capture group name/, celGo: accepted },
  { reason: "names of Unicode classes are exact in RE2; Go takes them in any case, and other names", expression: /matches/, ours: /^refused .*invalid character class range: `\\[pP]/, celGo: accepted },
  { reason: "cel-go does not check literal time zones", ours: /^refused FilterInvalidLiteral: this is not a time zone/, celGo: accepted },
  { reason: "existsOne is the newer spelling of exists_one; cel-go knows it only with its two-variable macros", expression: /existsOne/, ours: /^(?:value|error|absent)/, celGo: /^refused .*existsOne/ },
  { reason: "the official tests (timestamps/duration_converters/get_milliseconds) have the milliseconds of a duration within its second; cel-go gives all of them, which is its open issue 453", expression: /getMilliseconds\(\)/, ours: /^(?:value|error)/, celGo: accepted },
  { reason: "a repeated key is an error by the specification (Aggregate Values) and the official tests (fields/qualified_identifier_resolution/map_value_repeat_key); cel-go keeps the last value, which is its open issue 1348", expression: /\{.*:.*,.*:.*\}/s, ours: /^(?:error FilterInvalidValue|refused FilterInvalidLiteral: this key)/, celGo: accepted },
  { reason: "a start beyond the text's end is an error in the official tests (string_ext/value_errors/indexof_out_of_range); cel-go gives -1, or the end for an empty part", expression: /[iI]ndexOf\(.*,/s, ours: /^(?:error FilterInvalidValue|absent)/, celGo: accepted },
  { reason: "cel-go negates a duration to subtract it from a time, which the smallest one does not bear", expression: /-9223372036\.854775808s|-2562047h/, ours: accepted, celGo: /^error integer overflow/ },
  { reason: "a null joined with a time or an object is a dyn here; cel-go's checker takes it for one of the two", expression: /null/, ours: accepted, celGo: /^refused .*(?:found no matching overload|does not support field selection|expected type)/ },
  { reason: "bytes are in no map; cel-go fails inside", ours: /^(?:absent|value|error)/, celGo: /^error internal error: runtime error: hash of unhashable type/ },
  { reason: "an index that no list can have is absent; cel-go has another error for those beyond int64", ours: /^absent/, celGo: /^error unsupported index value/ },
  { reason: "NaN is not compared with what is no number; cel-go says false before it looks", expression: /nan|\//i, ours: /^error FilterWrongType/, celGo: /^value/ },
  { reason: "of several failures in a loop ours is the first; cel-go's is another one, and in a map any", expression: /\.(?:map|filter|exists_one|exists|all)\(/, ours: /^(?:absent|error)/, celGo: /^error/ },
  { reason: "has() of what has no fields is an error by the specification; false in cel-go", expression: /has\(/, ours: /^error FilterWrongType/, celGo: /^value/ },
  { reason: "reading a field or element of what has none is an error of types here; cel-go calls it a missing key", ours: /^error FilterWrongType/, celGo: /^error no such key/ },
  { reason: "a declared object is a map to type(); cel-go's objects have type names of their own", expression: /type\(/, ours: /^value "map"/, celGo: /^value "RunEvent\./ },
  { reason: "a key of a type that no map has is missing in any map; cel-go fails wherever it is written", ours: /^(?:absent|value|error)/, celGo: /^error invalid qualifier type/ },
  { reason: "cel-go takes the element of an empty literal, or of a dyn, for the first type that fits; it stays dyn here", expression: /\[\]|\{\}|\b(?:params|results|run|dyn)\b/, ours: /^(?:value|error|absent)/, celGo: /^refused .*(?:found no matching overload|does not support field selection|expected type|error during formatting)/ },
];
