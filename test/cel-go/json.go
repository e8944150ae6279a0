package main

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

const safeInteger = 1<<53 - 1

// toJSON writes a value in the forms of protobuf's JSON mapping, as src/filter/to-json.ts does.
func toJSON(value ref.Val) (any, error) {
	switch known := value.(type) {
	case types.Null:
		return nil, nil
	case types.Bool:
		return bool(known), nil
	case types.String:
		return string(known), nil
	case types.Int:
		if known > safeInteger || known < -safeInteger {
			return strconv.FormatInt(int64(known), 10), nil
		}
		return int64(known), nil
	case types.Uint:
		if known > safeInteger {
			return strconv.FormatUint(uint64(known), 10), nil
		}
		return uint64(known), nil
	case types.Double:
		return fraction(float64(known)), nil
	case types.Bytes:
		return base64.StdEncoding.EncodeToString(known), nil
	case types.Timestamp:
		return types.Timestamp{Time: known.UTC()}.ConvertToType(types.StringType).Value(), nil
	case types.Duration:
		return known.ConvertToType(types.StringType).Value(), nil
	case *types.Type:
		return known.TypeName(), nil
	case *object:
		return mapJSON(known.fields)
	case traits.Lister:
		return listJSON(known)
	case traits.Mapper:
		return mapperJSON(known)
	default:
		return nil, fmt.Errorf("a %s has no JSON", value.Type().TypeName())
	}
}

// fraction: NaN and the infinities have no number in JSON.
func fraction(value float64) any {
	switch {
	case math.IsNaN(value):
		return "NaN"
	case math.IsInf(value, 1):
		return "Infinity"
	case math.IsInf(value, -1):
		return "-Infinity"
	default:
		return value
	}
}

func listJSON(list traits.Lister) (any, error) {
	made := []any{}
	for iterator := list.Iterator(); iterator.HasNext() == types.True; {
		element, err := toJSON(iterator.Next())
		if err != nil {
			return nil, err
		}
		made = append(made, element)
	}
	return made, nil
}

func mapJSON(fields map[string]ref.Val) (any, error) {
	made := map[string]any{}
	for name, field := range fields {
		value, err := toJSON(field)
		if err != nil {
			return nil, err
		}
		made[name] = value
	}
	return made, nil
}

func mapperJSON(mapper traits.Mapper) (any, error) {
	made := map[string]ref.Val{}
	for iterator := mapper.Iterator(); iterator.HasNext() == types.True; {
		key := iterator.Next()
		name, err := toJSON(key)
		if err != nil {
			return nil, err
		}
		made[fmt.Sprint(name)] = mapper.Get(key)
	}
	return mapJSON(made)
}

// typeText writes a type as src/filter does.
func typeText(celType *cel.Type) string {
	parameters := celType.Parameters()
	switch celType.Kind() {
	case types.ListKind:
		return fmt.Sprintf("list(%s)", typeText(parameters[0]))
	case types.MapKind:
		return fmt.Sprintf("map(%s, %s)", typeText(parameters[0]), typeText(parameters[1]))
	case types.TypeKind:
		if len(parameters) == 0 {
			return "type"
		}
		return fmt.Sprintf("type(%s)", typeText(parameters[0]))
	case types.TimestampKind:
		return "timestamp"
	case types.DurationKind:
		return "duration"
	case types.DynKind, types.TypeParamKind, types.AnyKind:
		return "dyn"
	default:
		return celType.TypeName()
	}
}
