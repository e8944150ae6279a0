package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"
)

// typeDeclaration is a type as src/filter has it.
type typeDeclaration struct {
	Kind    string                      `json:"kind"`
	Element *typeDeclaration            `json:"element"`
	Key     *typeDeclaration            `json:"key"`
	Value   *typeDeclaration            `json:"value"`
	Name    string                      `json:"name"`
	Fields  map[string]*typeDeclaration `json:"fields"`
}

var simpleTypes = map[string]*cel.Type{
	"bool":      cel.BoolType,
	"int":       cel.IntType,
	"uint":      cel.UintType,
	"double":    cel.DoubleType,
	"string":    cel.StringType,
	"bytes":     cel.BytesType,
	"timestamp": cel.TimestampType,
	"duration":  cel.DurationType,
	"dyn":       cel.DynType,
}

type environment struct {
	env       *cel.Env
	variables map[string]*typeDeclaration
	objects   *objects
	// Activations by the event's text.
	activations map[string]map[string]any
}

func newEnvironment(variables map[string]*typeDeclaration) (*environment, error) {
	registry, err := types.NewRegistry()
	if err != nil {
		return nil, err
	}
	declared := &objects{Registry: registry, types: map[string]*objectType{}}
	options := []cel.EnvOption{
		cel.CustomTypeProvider(declared),
		cel.CustomTypeAdapter(declared),
		ext.Strings(),
		cel.CrossTypeNumericComparisons(true),
		cel.ASTValidators(cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals(), cel.ValidateRegexLiterals()),
	}
	for name, variable := range variables {
		variableType, err := declared.typeOf(variable)
		if err != nil {
			return nil, fmt.Errorf("variable %s: %w", name, err)
		}
		options = append(options, cel.Variable(name, variableType))
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		return nil, err
	}
	return &environment{env: env, variables: variables, objects: declared, activations: map[string]map[string]any{}}, nil
}

// activation gives the event's fields as variables. An object that the event lacks is one without fields, so that `has()`
// of a field of it is false, as in src/filter.
func (e *environment) activation(event json.RawMessage) (map[string]any, error) {
	if known, found := e.activations[string(event)]; found {
		return known, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(event))
	decoder.UseNumber()
	var fields map[string]any
	if err := decoder.Decode(&fields); err != nil {
		return nil, fmt.Errorf("not an event: %w", err)
	}
	made := map[string]any{}
	for name, declared := range e.variables {
		content, found := fields[name]
		if !found && declared.Kind == "object" {
			content, found = map[string]any{}, true
		}
		if !found {
			continue
		}
		value, err := e.objects.value(declared, content)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", name, err)
		}
		made[name] = value
	}
	e.activations[string(event)] = made
	return made, nil
}

// value is the CEL value of JSON of a declared type.
func (o *objects) value(declared *typeDeclaration, content any) (ref.Val, error) {
	switch declared.Kind {
	case "timestamp":
		parsed, err := time.Parse(time.RFC3339Nano, fmt.Sprint(content))
		return types.Timestamp{Time: parsed}, err
	case "duration":
		parsed, err := time.ParseDuration(fmt.Sprint(content))
		return types.Duration{Duration: parsed}, err
	case "list":
		elements, isList := content.([]any)
		if !isList {
			return nil, fmt.Errorf("%T is no list", content)
		}
		values := make([]ref.Val, len(elements))
		for index, element := range elements {
			value, err := o.value(declared.Element, element)
			if err != nil {
				return nil, err
			}
			values[index] = value
		}
		return types.NewRefValList(o, values), nil
	case "object":
		return o.object(declared, content)
	case "map":
		if texts, isTexts := textMap(declared, content); isTexts {
			return types.NewStringStringMap(o, texts), nil
		}
		return o.NativeToValue(numbers(content)), nil
	default:
		return o.NativeToValue(numbers(content)), nil
	}
}

// numbers makes a JSON number an int where it is whole and fits, else a double.
func numbers(content any) any {
	switch value := content.(type) {
	case json.Number:
		if whole, err := strconv.ParseInt(value.String(), 10, 64); err == nil {
			return whole
		}
		fraction, _ := value.Float64()
		return fraction
	case []any:
		made := make([]any, len(value))
		for index, element := range value {
			made[index] = numbers(element)
		}
		return made
	case map[string]any:
		made := make(map[string]any, len(value))
		for key, element := range value {
			made[key] = numbers(element)
		}
		return made
	default:
		return content
	}
}

// textMap is the content of a map whose values are all texts, in Go's own type for that, which is the fastest to look into.
func textMap(declared *typeDeclaration, content any) (map[string]string, bool) {
	entries, isMap := content.(map[string]any)
	if !isMap || declared.Value == nil || declared.Value.Kind != "string" {
		return nil, false
	}
	texts := make(map[string]string, len(entries))
	for key, value := range entries {
		text, isText := value.(string)
		if !isText {
			return nil, false
		}
		texts[key] = text
	}
	return texts, true
}
