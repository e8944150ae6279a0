package main

import (
	"context"
	"net/http"
	"regexp"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	admissionv1 "k8s.io/api/admission/v1"
)

var groupVersion = schema.GroupVersion{Group: "integrations.tekton.ornew.io", Version: "v1alpha1"}

// Notification is as much of the kind as the benchmark writes.
type Notification struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              notificationSpec `json:"spec"`
}

type notificationSpec struct {
	ProviderRef struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace,omitempty"`
	} `json:"providerRef"`
	Filter struct {
		Kinds      []string          `json:"kinds,omitempty"`
		Statuses   []string          `json:"statuses,omitempty"`
		Results    []resultCondition `json:"results,omitempty"`
		Expression string            `json:"expression,omitempty"`
	} `json:"filter"`
}

type resultCondition struct {
	Name    string  `json:"name"`
	Value   *string `json:"value,omitempty"`
	Matches *string `json:"matches,omitempty"`
	Exists  *bool   `json:"exists,omitempty"`
}

// DeepCopyObject implements runtime.Object.
func (n *Notification) DeepCopyObject() runtime.Object {
	made := *n
	return &made
}

type validator struct {
	decoder     admission.Decoder
	environment *environment
}

var (
	kinds    = []string{"PipelineRun", "TaskRun", "CustomRun"}
	statuses = []string{"Pending", "Running", "Succeeded", "Failed", "Cancelled", "TimedOut"}
)

// Handle implements admission.Handler.
func (v *validator) Handle(_ context.Context, request admission.Request) admission.Response {
	var notification Notification
	if err := v.decoder.Decode(request, &notification); err != nil {
		return admission.Errored(http.StatusBadRequest, err)
	}
	errors := v.validate(&notification)
	if len(errors) == 0 {
		return admission.Allowed("")
	}
	status := apierrors.NewInvalid(schema.GroupKind{Group: groupVersion.Group, Kind: "Notification"}, notification.Name, errors).Status()
	return admission.Response{AdmissionResponse: admissionv1.AdmissionResponse{Allowed: false, Result: &status}}
}

func (v *validator) validate(notification *Notification) field.ErrorList {
	var errors field.ErrorList
	spec := field.NewPath("spec")
	if notification.Spec.ProviderRef.Name == "" {
		errors = append(errors, field.Required(spec.Child("providerRef", "name"), ""))
	}
	filter := spec.Child("filter")
	for index, kind := range notification.Spec.Filter.Kinds {
		if !slices.Contains(kinds, kind) {
			errors = append(errors, field.NotSupported(filter.Child("kinds").Index(index), kind, kinds))
		}
	}
	for index, status := range notification.Spec.Filter.Statuses {
		if !slices.Contains(statuses, status) {
			errors = append(errors, field.NotSupported(filter.Child("statuses").Index(index), status, statuses))
		}
	}
	for index, result := range notification.Spec.Filter.Results {
		if result.Matches == nil {
			continue
		}
		if _, err := regexp.Compile(*result.Matches); err != nil {
			errors = append(errors, field.Invalid(filter.Child("results").Index(index).Child("matches"), *result.Matches, err.Error()))
		}
	}
	if expression := notification.Spec.Filter.Expression; expression != "" {
		if message := v.environment.refusal(expression); message != "" {
			errors = append(errors, field.Invalid(filter.Child("expression"), expression, message))
		}
	}
	return errors
}
