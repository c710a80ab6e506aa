// Command lua runs a script as Argo CD runs the ones of its ConfigMap:
//
//	lua SCRIPT.lua < objects.json
//
// For each JSON object on standard input the script runs afresh with the object as global obj, and what it returns is
// printed as one line of JSON. The first error goes to standard error, and the exit code is 1.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	lua "github.com/yuin/gopher-lua"
	luajson "layeh.com/gopher-json"
)

// timeLimit is Argo CD's for one script and one object.
const timeLimit = time.Second

func main() {
	if len(os.Args) != 2 {
		fail(errors.New("usage: lua SCRIPT.lua < objects.json"))
	}
	script, err := os.ReadFile(os.Args[1])
	if err != nil {
		fail(err)
	}
	if err := runAll(string(script), os.Stdin, os.Stdout); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func runAll(script string, in io.Reader, out io.Writer) error {
	lines := bufio.NewWriter(out)
	defer lines.Flush()
	objects := json.NewDecoder(bufio.NewReader(in))
	for number := 1; ; number++ {
		var object map[string]any
		if err := objects.Decode(&object); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("object %d: %w", number, err)
		}
		result, err := run(script, object)
		if err != nil {
			return fmt.Errorf("object %d: %w", number, err)
		}
		if err := json.NewEncoder(lines).Encode(result); err != nil {
			return err
		}
	}
}

func run(script string, object map[string]any) (any, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	open(state)
	limit, cancel := context.WithTimeout(context.Background(), timeLimit)
	defer cancel()
	state.SetContext(limit)
	state.SetGlobal("actionParams", state.NewTable())
	state.SetGlobal("obj", luajson.DecodeValue(state, object))
	if err := state.DoString(script); err != nil {
		return nil, err
	}
	returned := state.Get(-1)
	if returned.Type() != lua.LTTable {
		return nil, fmt.Errorf("expect table output from Lua script, not %s", returned.Type())
	}
	text, err := luajson.Encode(returned)
	if err != nil {
		return nil, err
	}
	var result any
	if err := json.Unmarshal(text, &result); err != nil {
		return nil, err
	}
	return restoreEmpty(result, object), nil
}

// open gives a script what it has in Argo CD, unless useOpenLibs is set for its kind: no strings, no maths, and of os only
// time and date, which require returns. A global os does not exist there.
func open(state *lua.LState) {
	for _, library := range []struct {
		name string
		open lua.LGFunction
	}{
		{lua.LoadLibName, lua.OpenPackage},
		{lua.BaseLibName, lua.OpenBase},
		{lua.TabLibName, lua.OpenTable},
		{lua.OsLibName, lua.OpenOs},
	} {
		state.Push(state.NewFunction(library.open))
		state.Push(lua.LString(library.name))
		state.Call(1, 0)
	}
	system := state.GetGlobal(lua.OsLibName)
	for _, unsafe := range []string{
		"clock", "difftime", "execute", "exit", "getenv", "remove", "rename", "setenv", "setlocale", "tmpname",
	} {
		state.SetField(system, unsafe, lua.LNil)
	}
	state.SetGlobal(lua.OsLibName, lua.LNil)
}

// restoreEmpty makes an empty list an empty map where the object had a map: Lua has one empty table for both.
func restoreEmpty(result, object any) any {
	switch before := object.(type) {
	case map[string]any:
		if list, isList := result.([]any); isList && len(list) == 0 {
			return map[string]any{}
		}
		if after, isMap := result.(map[string]any); isMap {
			for key, value := range after {
				after[key] = restoreEmpty(value, before[key])
			}
		}
	case []any:
		if after, isList := result.([]any); isList {
			for index := range min(len(after), len(before)) {
				after[index] = restoreEmpty(after[index], before[index])
			}
		}
	}
	return result
}
