// Package crds keeps the requirement on Tekton's module alive, whose config/ folder holds its CustomResourceDefinitions.
package crds

import _ "github.com/tektoncd/pipeline/config"
