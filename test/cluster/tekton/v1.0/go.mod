// Only the CustomResourceDefinitions in the module's config/ folder are used; nothing is compiled.
module tekton-integrations/test/cluster/tekton/v1.0

go 1.26.4

require github.com/tektoncd/pipeline v1.0.0
