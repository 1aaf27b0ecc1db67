// argocd-health judges a resource as Argo CD does: with the script that Argo CD embeds for its kind, in the interpreter
// that Argo CD runs it in. It reads the object from stdin as JSON and prints {"status": …, "message": …}.
//
// Given `own-cases`, it judges the objects that Argo CD tests that script with, and prints for each what was expected and
// what was found: so that this program's judgement is known to be Argo CD's.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path"

	"github.com/argoproj/argo-cd/v3/resource_customizations"
	lua "github.com/yuin/gopher-lua"
	"sigs.k8s.io/yaml"
)

type health struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

type verdict struct {
	Case     string `json:"case"`
	Expected health `json:"expected"`
	Found    health `json:"found"`
}

// toLua turns what encoding/json makes of a JSON text into values of the interpreter.
func toLua(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case bool:
		return lua.LBool(value)
	case float64:
		return lua.LNumber(value)
	case string:
		return lua.LString(value)
	case []any:
		table := state.CreateTable(len(value), 0)
		for _, item := range value {
			table.Append(toLua(state, item))
		}
		return table
	case map[string]any:
		table := state.CreateTable(0, len(value))
		for key, item := range value {
			table.RawSetString(key, toLua(state, item))
		}
		return table
	default:
		return lua.LNil
	}
}

// judge runs the script over the object; what the script leaves out of its answer stays empty.
func judge(script string, object map[string]any) (health, error) {
	state := lua.NewState()
	defer state.Close()
	state.SetGlobal("obj", toLua(state, object))
	if err := state.DoString(script); err != nil {
		return health{}, err
	}
	answer, isTable := state.Get(-1).(*lua.LTable)
	if !isTable {
		return health{}, fmt.Errorf("the script returned a %s", state.Get(-1).Type())
	}
	return health{
		Status:  lua.LVAsString(answer.RawGetString("status")),
		Message: lua.LVAsString(answer.RawGetString("message")),
	}, nil
}

func embedded(kind, file string) []byte {
	return check(resource_customizations.Embedded.ReadFile(path.Join(kind, file)))
}

func ownCases(kind, script string) []verdict {
	var tests struct {
		Tests []struct {
			InputPath    string `json:"inputPath"`
			HealthStatus health `json:"healthStatus"`
		} `json:"tests"`
	}
	check(0, yaml.Unmarshal(embedded(kind, "health_test.yaml"), &tests))
	verdicts := []verdict{}
	for _, test := range tests.Tests {
		var object map[string]any
		check(0, yaml.Unmarshal(embedded(kind, test.InputPath), &object))
		verdicts = append(verdicts, verdict{test.InputPath, test.HealthStatus, check(judge(script, object))})
	}
	return verdicts
}

func check[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	const kind = "bitnami.com/SealedSecret"
	script := string(embedded(kind, "health.lua"))
	output := json.NewEncoder(os.Stdout)
	if len(os.Args) == 2 && os.Args[1] == "own-cases" {
		check(0, output.Encode(ownCases(kind, script)))
		return
	}
	var object map[string]any
	check(0, json.NewDecoder(os.Stdin).Decode(&object))
	check(0, output.Encode(check(judge(script, object))))
}
