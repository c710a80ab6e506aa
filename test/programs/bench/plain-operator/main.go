// The yardstick: an operator as controller-runtime's documentation leads one to write it, with a cache, 32 workers, and
// a GET, PUT, GET and status update per object.
package main

import (
	"bytes"
	"context"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

const workers = 32

type Spec struct {
	UUID                  string            `json:"uuid"`
	Name                  string            `json:"name,omitempty"`
	Description           string            `json:"description,omitempty"`
	YAML                  string            `json:"yaml,omitempty"`
	RequestCPU            int64             `json:"requestCpu,omitempty"`
	RequestMemory         resource.Quantity `json:"requestMemory,omitempty"`
	Framework             string            `json:"framework,omitempty"`
	PythonVersion         string            `json:"pythonVersion,omitempty"`
	StartCommand          string            `json:"startCommand,omitempty"`
	EnvironmentParameters map[string]string `json:"environmentParameters,omitempty"`
	ServicePorts          []int32           `json:"servicePorts,omitempty"`
}

type Status struct {
	ObservedGeneration int64              `json:"observedGeneration,omitempty"`
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
}

type ModelService struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              Spec   `json:"spec"`
	Status            Status `json:"status,omitempty"`
}

func (in *ModelService) DeepCopyObject() runtime.Object {
	out := *in
	in.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	out.Spec.EnvironmentParameters = map[string]string{}
	for name, value := range in.Spec.EnvironmentParameters {
		out.Spec.EnvironmentParameters[name] = value
	}
	out.Spec.ServicePorts = append([]int32(nil), in.Spec.ServicePorts...)
	out.Status.Conditions = append([]metav1.Condition(nil), in.Status.Conditions...)
	return &out
}

type ModelServiceList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ModelService `json:"items"`
}

func (in *ModelServiceList) DeepCopyObject() runtime.Object {
	out := *in
	out.Items = make([]ModelService, len(in.Items))
	for i := range in.Items {
		out.Items[i] = *in.Items[i].DeepCopyObject().(*ModelService)
	}
	return &out
}

type zstack struct {
	endpoint, session string
	http              *http.Client
}

func (z *zstack) send(ctx context.Context, method, path string, body, answer any) error {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, z.endpoint+"/v1/"+path, content)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if z.session != "" {
		request.Header.Set("Authorization", "OAuth "+z.session)
	}
	response, err := z.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s", method, path, response.Status)
	}
	return json.Unmarshal(text, answer)
}

func (z *zstack) logIn(ctx context.Context, account, password string) error {
	hash := sha512.Sum512([]byte(password))
	body := map[string]any{"logInByAccount": map[string]string{"accountName": account, "password": hex.EncodeToString(hash[:])}}
	var answer struct{ Inventory struct{ UUID string } }
	if err := z.send(ctx, http.MethodPut, "accounts/login", body, &answer); err != nil {
		return err
	}
	z.session = answer.Inventory.UUID
	return nil
}

func (z *zstack) get(ctx context.Context, uuid string) (map[string]any, error) {
	var answer struct{ Inventories []map[string]any }
	if err := z.send(ctx, http.MethodGet, "ai/model-services/"+uuid, nil, &answer); err != nil {
		return nil, err
	}
	if len(answer.Inventories) == 0 {
		return nil, fmt.Errorf("there is no model service %s", uuid)
	}
	return answer.Inventories[0], nil
}

// wanted is the spec as ZStack takes it.
func wanted(spec Spec) (map[string]any, error) {
	text, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	fields := map[string]any{}
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, err
	}
	delete(fields, "uuid")
	fields["requestMemory"] = float64(spec.RequestMemory.Value())
	return fields, nil
}

type reconciler struct {
	client.Client
	zstack *zstack
}

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var object ModelService
	if err := r.Get(ctx, request.NamespacedName, &object); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if object.Status.ObservedGeneration == object.Generation {
		return ctrl.Result{}, nil
	}
	uuid := object.Spec.UUID
	live, err := r.zstack.get(ctx, uuid)
	if err != nil {
		return ctrl.Result{}, err
	}
	fields, err := wanted(object.Spec)
	if err != nil {
		return ctrl.Result{}, err
	}
	for name, value := range fields {
		if reflect.DeepEqual(live[name], value) {
			delete(fields, name)
		}
	}
	if len(fields) > 0 {
		body := map[string]any{"updateModelService": fields}
		if err := r.zstack.send(ctx, http.MethodPut, "ai/model-services/"+uuid, body, &map[string]any{}); err != nil {
			return ctrl.Result{}, err
		}
	}
	if _, err := r.zstack.get(ctx, uuid); err != nil {
		return ctrl.Result{}, err
	}
	object.Status.ObservedGeneration = object.Generation
	for _, kind := range []string{"Ready", "Connected", "Synced"} {
		meta.SetStatusCondition(&object.Status.Conditions, metav1.Condition{
			Type: kind, Status: metav1.ConditionTrue, Reason: "InSync", ObservedGeneration: object.Generation,
		})
	}
	return ctrl.Result{}, r.Status().Update(ctx, &object)
}

func main() {
	ctrl.SetLogger(zap.New())
	if err := run(ctrl.SetupSignalHandler()); err != nil {
		ctrl.Log.Error(err, "the operator ended")
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	scheme := runtime.NewScheme()
	version := schema.GroupVersion{Group: "ai.zstack.io", Version: "v1alpha1"}
	scheme.AddKnownTypes(version, &ModelService{}, &ModelServiceList{})
	metav1.AddToGroupVersion(scheme, version)
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	// The API server's own fairness limits it, not the client.
	config.QPS = -1
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:  scheme,
		Metrics: server.Options{BindAddress: "0"},
		Cache:   cache.Options{DefaultNamespaces: map[string]cache.Config{os.Getenv("WATCH_NAMESPACES"): {}}},
	})
	if err != nil {
		return err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = workers
	zstack := &zstack{
		endpoint: os.Getenv("ZSTACK_ENDPOINT"),
		http:     &http.Client{Transport: transport, Timeout: 30 * time.Second},
	}
	if err := zstack.logIn(ctx, os.Getenv("ZSTACK_ACCOUNT_NAME"), os.Getenv("ZSTACK_ACCOUNT_PASSWORD")); err != nil {
		return err
	}
	err = ctrl.NewControllerManagedBy(manager).
		For(&ModelService{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Complete(&reconciler{manager.GetClient(), zstack})
	if err != nil {
		return err
	}
	return manager.Start(ctx)
}
