package main

import (
	"fmt"
	"reflect"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// objects knows the object types of the declaration, and all types of CEL.
type objects struct {
	*types.Registry
	types map[string]*objectType
}

type objectType struct {
	celType *cel.Type
	names   []string
	fields  map[string]*cel.Type
}

func (o *objects) typeOf(declared *typeDeclaration) (*cel.Type, error) {
	switch declared.Kind {
	case "list":
		element, err := o.typeOf(declared.Element)
		if err != nil {
			return nil, err
		}
		return cel.ListType(element), nil
	case "map":
		key, err := o.typeOf(declared.Key)
		if err != nil {
			return nil, err
		}
		value, err := o.typeOf(declared.Value)
		if err != nil {
			return nil, err
		}
		return cel.MapType(key, value), nil
	case "object":
		made := &objectType{celType: types.NewObjectType(declared.Name, traits.FieldTesterType|traits.IndexerType), fields: map[string]*cel.Type{}}
		for name, field := range declared.Fields {
			fieldType, err := o.typeOf(field)
			if err != nil {
				return nil, err
			}
			made.names = append(made.names, name)
			made.fields[name] = fieldType
		}
		o.types[declared.Name] = made
		return made.celType, nil
	}
	simple, found := simpleTypes[declared.Kind]
	if !found {
		return nil, fmt.Errorf("no type is called %q", declared.Kind)
	}
	return simple, nil
}

// FindStructType implements types.Provider.
func (o *objects) FindStructType(name string) (*types.Type, bool) {
	if known, found := o.types[name]; found {
		return types.NewTypeTypeWithParam(known.celType), true
	}
	return o.Registry.FindStructType(name)
}

// FindStructFieldNames implements types.Provider.
func (o *objects) FindStructFieldNames(name string) ([]string, bool) {
	if known, found := o.types[name]; found {
		return known.names, true
	}
	return o.Registry.FindStructFieldNames(name)
}

// FindStructFieldType implements types.Provider.
func (o *objects) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	known, found := o.types[name]
	if !found {
		return o.Registry.FindStructFieldType(name, field)
	}
	fieldType, found := known.fields[field]
	if !found {
		return nil, false
	}
	return &types.FieldType{
		Type: fieldType,
		IsSet: func(target any) bool {
			_, found := target.(map[string]ref.Val)[field]
			return found
		},
		GetFrom: func(target any) (any, error) {
			if value, found := target.(map[string]ref.Val)[field]; found {
				return value, nil
			}
			if empty, isObject := o.empty(fieldType); isObject {
				return empty, nil
			}
			return nil, fmt.Errorf("no such key: %s", field)
		},
	}, true
}

// empty is what an absent object of a type is read as: one without fields, as with messages, so that has() below it is false.
func (o *objects) empty(celType *cel.Type) (ref.Val, bool) {
	_, isObject := o.types[celType.TypeName()]
	return &object{objects: o, celType: celType, fields: map[string]ref.Val{}}, isObject
}

// object is a value of an object type: the fields that are there.
type object struct {
	objects *objects
	celType *cel.Type
	fields  map[string]ref.Val
}

func (o *objects) object(declared *typeDeclaration, content any) (ref.Val, error) {
	contents, isObject := content.(map[string]any)
	if !isObject {
		return nil, fmt.Errorf("%T is no object", content)
	}
	made := &object{objects: o, celType: o.types[declared.Name].celType, fields: map[string]ref.Val{}}
	for name, field := range declared.Fields {
		content, found := contents[name]
		if !found {
			continue
		}
		value, err := o.value(field, content)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		made.fields[name] = value
	}
	return made, nil
}

// ConvertToNative implements ref.Val.
func (o *object) ConvertToNative(wanted reflect.Type) (any, error) {
	return nil, fmt.Errorf("an object is no %v", wanted)
}

// ConvertToType implements ref.Val.
func (o *object) ConvertToType(wanted ref.Type) ref.Val {
	if wanted == types.TypeType {
		return o.celType
	}
	return types.NewErr("type conversion error from '%s' to '%s'", o.celType, wanted)
}

// Equal implements ref.Val.
func (o *object) Equal(other ref.Val) ref.Val {
	another, isObject := other.(*object)
	if !isObject || another.celType.TypeName() != o.celType.TypeName() || len(o.fields) != len(another.fields) {
		return types.False
	}
	for name, value := range o.fields {
		counterpart, found := another.fields[name]
		if !found || types.Equal(value, counterpart) != types.True {
			return types.False
		}
	}
	return types.True
}

// Type implements ref.Val.
func (o *object) Type() ref.Type { return o.celType }

// Value implements ref.Val: what the field accessors are given.
func (o *object) Value() any { return o.fields }

// Get implements traits.Indexer.
func (o *object) Get(index ref.Val) ref.Val {
	name, isString := index.(types.String)
	if value, found := o.fields[string(name)]; isString && found {
		return value
	}
	if declared, found := o.objects.types[o.celType.TypeName()].fields[string(name)]; isString && found {
		if empty, isObject := o.objects.empty(declared); isObject {
			return empty
		}
	}
	return types.NewErr("no such key: %v", index.Value())
}

// IsSet implements traits.FieldTester.
func (o *object) IsSet(field ref.Val) ref.Val {
	name, isString := field.(types.String)
	_, found := o.fields[string(name)]
	return types.Bool(isString && found)
}
