// SPDX-License-Identifier: Apache-2.0

// main.go: answers the comparisons with cedar-go: reads the lines of generate.py, prints one line
// for each, as cedar_eval does.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/cedar-policy/cedar-go"
)

type entity struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

func (e entity) uid() cedar.EntityUID {
	return cedar.NewEntityUID(cedar.EntityType(e.Type), cedar.String(e.ID))
}

type input struct {
	Policies string      `json:"policies"`
	Parents  [][2]entity `json:"parents"`
	Requests []struct {
		Principal, Action, Resource entity
	} `json:"requests"`
}

type answer struct {
	Decision string   `json:"decision"`
	Reason   []string `json:"reason"`
}

type output struct {
	Ok      bool     `json:"ok"`
	Answers []answer `json:"answers"`
	Text    string   `json:"text,omitempty"`
}

func entities(in input) cedar.EntityMap {
	parents := map[cedar.EntityUID][]cedar.EntityUID{}
	for _, edge := range in.Parents {
		child := edge[0].uid()
		parents[child] = append(parents[child], edge[1].uid())
	}
	all := cedar.EntityMap{}
	for child, above := range parents {
		all[child] = cedar.Entity{UID: child, Parents: cedar.NewEntityUIDSet(above...)}
	}
	return all
}

func answers(in input) output {
	set, err := cedar.NewPolicySetFromBytes("", []byte(in.Policies))
	if err != nil {
		return output{Text: err.Error()}
	}
	out := output{Ok: true, Answers: []answer{}}
	for _, request := range in.Requests {
		decision, diagnostic := cedar.Authorize(set, entities(in), cedar.Request{
			Principal: request.Principal.uid(),
			Action:    request.Action.uid(),
			Resource:  request.Resource.uid(),
		})
		a := answer{Decision: "deny", Reason: []string{}}
		if decision == cedar.Allow {
			a.Decision = "allow"
		}
		for _, reason := range diagnostic.Reasons {
			a.Reason = append(a.Reason, string(reason.PolicyID))
		}
		out.Answers = append(out.Answers, a)
	}
	return out
}

func main() {
	scanner := bufio.NewScanner(os.Stdin)
	scanner.Buffer(nil, 1<<24)
	writer := bufio.NewWriter(os.Stdout)
	defer writer.Flush()
	for scanner.Scan() {
		var in input
		if err := json.Unmarshal(scanner.Bytes(), &in); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		line, _ := json.Marshal(answers(in))
		writer.Write(append(line, '\n'))
	}
}
