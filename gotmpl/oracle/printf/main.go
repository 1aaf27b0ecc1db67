// Prints what fmt.Sprintf makes of every verb, flag and value below: gotmpl/tests/printf.tsv.
//
//	go run gotmpl/oracle/printf/main.go > gotmpl/tests/printf.tsv
//
// Each line: the format, the names of the operands (comma separated), the result as a Go string literal.
package main

import (
	"fmt"
	"math"
	"strings"
)

var values = []struct {
	name  string
	value any
}{
	{"nil", nil}, {"true", true}, {"zero", 0}, {"seven", 7}, {"minus", -42}, {"big", math.MaxInt64}, {"least", int64(math.MinInt64)},
	{"rune", 0x4e16}, {"surrogate", 0xd800}, {"byte", uint8(200)}, {"uint", uint64(math.MaxUint64)},
	{"f0", 0.0}, {"fneg0", math.Copysign(0, -1)}, {"f1", 1.0}, {"half", 0.5}, {"f2.5", 2.5}, {"pi", math.Pi}, {"f1e5", 1e5}, {"f1e6", 1e6}, {"f1e20", 1e20}, {"f1e21", 1e21},
	{"f123456789", 123456789.0}, {"tiny", 1e-7}, {"f0.0001", 0.0001}, {"denormal", 5e-324}, {"huge", math.MaxFloat64}, {"inf", math.Inf(1)}, {"neginf", math.Inf(-1)}, {"nan", math.NaN()},
	{"complex", complex(1, -2.5)}, {"empty", ""}, {"abc", "abc"}, {"accent", "héllo wörld"}, {"quotes", "a\"b`c\n"}, {"bytes", "\xff\x00é"},
	{"ints", []int{1, -2}}, {"list", []any{1, "a", nil, 2.5}}, {"strings", []string{"a b", "c"}}, {"nillist", []any(nil)},
	{"map", map[string]any{"b": 1, "a": nil, "c": []any{"x"}}}, {"smap", map[string]string{"k": "v"}}, {"nilmap", map[string]any(nil)},
}

func main() {
	emit := func(format string, names []string, args ...any) {
		fmt.Printf("%s\t%s\t%q\n", format, strings.Join(names, ","), fmt.Sprintf(format, args...))
	}
	verbs := strings.Split("v d s q x X e E f F g G t T c U b o O z w", " ")
	flags := []string{"", "+", "#", " ", "8", "-8", "08", ".2", "8.3", "#.3", "-08"}
	for _, verb := range verbs {
		for _, flag := range flags {
			for _, v := range values {
				emit("%"+flag+verb, []string{v.name}, v.value)
			}
		}
	}
	of := func(names ...string) []any {
		var args []any
		for _, name := range names {
			for _, v := range values {
				if v.name == name {
					args = append(args, v.value)
				}
			}
		}
		return args
	}
	for _, c := range []struct{ format, names string }{
		{"%", "seven"}, {"%%", ""}, {"100%", ""}, {"%5%", "seven"}, {"%!", "seven"}, {"a%d", ""}, {"%d %d", "seven"}, {"%d", "seven,abc"}, {"x", "nil,abc,seven"},
		{"%[1]d", "seven"}, {"%[2]d %[1]s", "abc,seven"}, {"%[3]d", "seven"}, {"%[x]d", "seven"}, {"%[d", "seven"}, {"%[", "seven"}, {"%[0]d", "seven"}, {"%[1]d %d", "seven,zero"},
		{"%*d", "seven,zero"}, {"%-*d|", "seven,zero"}, {"%*d|", "minus,zero"}, {"%.*f", "seven,pi"}, {"%.*f", "minus,pi"}, {"%*d", "abc,zero"}, {"%*.*f", "seven,seven,pi"}, {"%[2]*[1]d", "zero,seven"}, {"%[1]5d", "zero"}, {"%[1].2f", "pi"}, {"%.[1]2f", "pi"}, {"%.[2]*[1]f", "pi,seven"},
		{"%1000000d|", "nil"}, {"%10000010d", "seven"}, {"%99999999999d", "seven"}, {"%.1100f", "half"}, {"%.20f", "pi"}, {"%.20g", "pi"}, {"%.3x", "pi"}, {"%.0x", "f2.5"}, {"%.25x", "pi"}, {"%#.30g", "half"},
		{"%é", "seven"}, {"%5.", "seven"}, {"%.", "seven"}, {"%.d|", "zero"}, {"%5.d|", "zero"}, {"%+05d|", "seven"}, {"% 05d|", "minus"}, {"%+q", "accent"}, {"%#q", "abc"}, {"%#q", "quotes"}, {"% x", "abc"}, {"%# x", "abc"}, {"%#x", "abc"}, {"%.2x", "abc"}, {"%10x|", "abc"}, {"%-10x|", "abc"}, {"%010s|", "abc"}, {"%-010s|", "abc"}, {"%6.2f|%-8s|%08.3f", "pi,abc,minus"},
		{"%#U", "rune"}, {"%.6U", "rune"}, {"%#U", "seven"}, {"%+v", "list"}, {"%#v", "list"}, {"%5v", "list"}, {"%05v", "ints"}, {"%v %v", "nil,nil"}, {"%s %d %v", "abc,seven,map"},
	} {
		var names []string
		if c.names != "" {
			names = strings.Split(c.names, ",")
		}
		emit(c.format, names, of(names...)...)
	}
}
