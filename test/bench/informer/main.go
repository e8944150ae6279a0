// Program informer holds the objects of some kinds as controllers written in Go do, with the shared informers of client-go,
// and prints what that takes as one line of JSON: informer KUBECONFIG GROUP/VERSION/RESOURCE...
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/clientcmd"
)

type result struct {
	Objects  int   `json:"objects"`
	SyncedMs int64 `json:"syncedMs"`
	RSS      int64 `json:"rss"`
	Heap     int64 `json:"heap"`
	Peak     int64 `json:"peak"`
}

func main() {
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(kubeconfig string, kinds []string) error {
	begun := time.Now()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	config.QPS = -1
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	factory := dynamicinformer.NewDynamicSharedInformerFactory(client, 0)
	objects := func() int { return 0 }
	for _, kind := range kinds {
		part := strings.Split(kind, "/")
		informer := factory.ForResource(schema.GroupVersionResource{Group: part[0], Version: part[1], Resource: part[2]}).Informer()
		if err := informer.SetTransform(withoutManagedFields); err != nil {
			return err
		}
		before := objects
		objects = func() int { return before() + len(informer.GetStore().ListKeys()) }
	}
	factory.Start(ctx.Done())
	for kind, synced := range factory.WaitForCacheSync(ctx.Done()) {
		if !synced {
			return fmt.Errorf("%s was not synced", kind)
		}
	}
	syncedMs := time.Since(begun).Milliseconds()
	time.Sleep(2 * time.Second)
	debug.FreeOSMemory()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	found := result{Objects: objects(), SyncedMs: syncedMs, RSS: status("VmRSS"), Heap: int64(memory.HeapAlloc), Peak: status("VmHWM")}
	runtime.KeepAlive(factory)
	return json.NewEncoder(os.Stdout).Encode(found)
}

// Nobody reads them; what else an object has, a controller may.
func withoutManagedFields(object any) (any, error) {
	if run, ok := object.(*unstructured.Unstructured); ok {
		run.SetManagedFields(nil)
	}
	return object, nil
}

// Bytes of a line of /proc/self/status; 0 where there is none.
func status(name string) int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(text), "\n") {
		field := strings.Fields(line)
		if len(field) == 3 && field[0] == name+":" {
			kilobytes, _ := strconv.ParseInt(field[1], 10, 64)
			return kilobytes * 1024
		}
	}
	return 0
}
