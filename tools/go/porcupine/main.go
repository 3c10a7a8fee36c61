// Porcupine's verdicts on histories of a register, for tests that compare them with our own.
//
// Standard input has one history a line: [{"write": bool, "value": n, "start": t, "end": t}, …]. Standard output gets
// one line each: true when it is linearizable from the value 0 on.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/anishathalye/porcupine"
)

type step struct {
	Write bool
	Value int
	Start int64
	End   int64
}

var register = porcupine.Model{
	Init: func() any { return 0 },
	Step: func(state, input, output any) (bool, any) {
		each := input.(step)
		if each.Write {
			return true, each.Value
		}
		return each.Value == state.(int), state
	},
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var steps []step
		if err := json.Unmarshal(lines.Bytes(), &steps); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		var history []porcupine.Operation
		for place, each := range steps {
			history = append(history, porcupine.Operation{ClientId: place, Input: each, Call: each.Start, Return: each.End})
		}
		fmt.Println(porcupine.CheckOperations(register, history))
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
