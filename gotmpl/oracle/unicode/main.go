// Prints src/unicode/tables.rs: which characters Go counts as printable, letters and digits.
//
//	go run gotmpl/oracle/unicode/main.go > gotmpl/src/unicode/tables.rs
package main

import (
	"fmt"
	"strconv"
	"unicode"
)

func table(name, about string, is func(rune) bool) {
	fmt.Printf("\n/// %s\n#[rustfmt::skip]\npub(super) static %s: &[(u32, u32)] = &[", about, name)
	runs := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !is(r) {
			continue
		}
		first := r
		for r < unicode.MaxRune && is(r+1) {
			r++
		}
		if runs%6 == 0 {
			fmt.Print("\n   ")
		}
		runs++
		fmt.Printf(" (%#x, %#x),", first, r)
	}
	fmt.Println("\n];")
}

func main() {
	fmt.Printf("//! Unicode %s as Go has it, made by `oracle/unicode`: first and last of each run of characters.\n", unicode.Version)
	table("PRINTABLE", "`strconv.IsPrint`.", strconv.IsPrint)
	table("LETTERS", "`unicode.IsLetter`.", unicode.IsLetter)
	table("DIGITS", "`unicode.IsDigit`.", unicode.IsDigit)
}
