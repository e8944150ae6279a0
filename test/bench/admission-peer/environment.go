package main

import (
	"fmt"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/checker"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/traits"
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
	"bool": cel.BoolType, "int": cel.IntType, "uint": cel.UintType, "double": cel.DoubleType, "string": cel.StringType,
	"bytes": cel.BytesType, "timestamp": cel.TimestampType, "duration": cel.DurationType, "dyn": cel.DynType,
}

// declaredTypes knows the object types of the declaration, and all types of CEL. Enough to check expressions.
type declaredTypes struct {
	*types.Registry
	objects map[string]*cel.Type
	fields  map[string]map[string]*cel.Type
}

func (d *declaredTypes) typeOf(declared *typeDeclaration) *cel.Type {
	switch declared.Kind {
	case "list":
		return cel.ListType(d.typeOf(declared.Element))
	case "map":
		return cel.MapType(d.typeOf(declared.Key), d.typeOf(declared.Value))
	case "object":
		made := types.NewObjectType(declared.Name, traits.FieldTesterType|traits.IndexerType)
		fields := map[string]*cel.Type{}
		for name, one := range declared.Fields {
			fields[name] = d.typeOf(one)
		}
		d.objects[declared.Name], d.fields[declared.Name] = made, fields
		return made
	}
	return simpleTypes[declared.Kind]
}

// FindStructType implements types.Provider.
func (d *declaredTypes) FindStructType(name string) (*types.Type, bool) {
	if known, found := d.objects[name]; found {
		return types.NewTypeTypeWithParam(known), true
	}
	return d.Registry.FindStructType(name)
}

// FindStructFieldType implements types.Provider.
func (d *declaredTypes) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	fields, found := d.fields[name]
	if !found {
		return d.Registry.FindStructFieldType(name, field)
	}
	fieldType, found := fields[field]
	return &types.FieldType{Type: fieldType}, found
}

// maxKept bounds the expressions whose verdict is remembered, as ours bounds its programs.
const maxKept = 2000

type environment struct {
	env *cel.Env

	mutex sync.Mutex
	kept  map[string]string
}

func newEnvironment(variables map[string]*typeDeclaration) (*environment, error) {
	registry, err := types.NewRegistry()
	if err != nil {
		return nil, err
	}
	declared := &declaredTypes{Registry: registry, objects: map[string]*cel.Type{}, fields: map[string]map[string]*cel.Type{}}
	options := []cel.EnvOption{
		cel.CustomTypeProvider(declared),
		ext.Strings(),
		cel.CrossTypeNumericComparisons(true),
		cel.ASTValidators(cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals(), cel.ValidateRegexLiterals()),
	}
	for name, variable := range variables {
		options = append(options, cel.Variable(name, declared.typeOf(variable)))
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		return nil, err
	}
	return &environment{env: env, kept: map[string]string{}}, nil
}

// refusal says why an expression is no condition, or "".
func (e *environment) refusal(expression string) string {
	e.mutex.Lock()
	known, found := e.kept[expression]
	e.mutex.Unlock()
	if found {
		return known
	}
	message := e.compile(expression)
	e.mutex.Lock()
	if len(e.kept) >= maxKept {
		clear(e.kept)
	}
	e.kept[expression] = message
	e.mutex.Unlock()
	return message
}

func (e *environment) compile(expression string) string {
	ast, issues := e.env.Compile(expression)
	if issues.Err() != nil {
		return issues.Err().Error()
	}
	if ast.OutputType() != cel.BoolType {
		return fmt.Sprintf("must be a bool, not %s", ast.OutputType())
	}
	estimate, err := e.env.EstimateCost(ast, sizes{})
	if err != nil {
		return err.Error()
	}
	if estimate.Max > 10_000_000 {
		return fmt.Sprintf("can cost %d", estimate.Max)
	}
	return ""
}

// sizes bounds what expressions read, so that their cost can be estimated.
type sizes struct{}

// EstimateSize implements checker.CostEstimator.
func (sizes) EstimateSize(checker.AstNode) *checker.SizeEstimate {
	return &checker.SizeEstimate{Min: 0, Max: 512}
}

// EstimateCallCost implements checker.CostEstimator.
func (sizes) EstimateCallCost(string, string, *checker.AstNode, []checker.AstNode) *checker.CallEstimate {
	return nil
}
