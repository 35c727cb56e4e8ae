package registrar

import "strconv"

// Require returns a member of the config that must be there: [Config]().Require("brands").Strings(). Further names lead
// into objects: Require("limits", "days"). If the member is missing or null, or an outer one is no object, the script
// fails, and the server's log says which member is wrong. The methods of [Required] fail likewise if it has another
// type. Members that a caller sends are not for Require: refuse the client instead.
func (v Value) Require(name string, inside ...string) Required {
	r := require(v, name, name)
	for _, name := range inside {
		r = r.Require(name)
	}
	return r
}

// A Required is a member of the config that is there. Its methods end the script, as [Fail] does, if it has another
// type than they say.
type Required struct {
	Value  Value  // of any type but null
	member string // its name, after those of the objects that it is in
}

func require(outer Value, name, member string) Required {
	value := outer.Get(name)
	if !value.IsSet() {
		failOver(member, "is missing")
	}
	return Required{value.trim(), member}
}

// failOver ends the script because of a member of the config.
func failOver(member, problem string) {
	Fail("config: member " + strconv.Quote(member) + " " + problem)
}

// must ends the script unless the member has the type.
func (r Required) must(has bool, want string) {
	if !has {
		failOver(r.member, "must be "+want)
	}
}

func (r Required) is(first byte) bool { return r.Value[0] == first }

// Require returns a member of the object that r must be, as [Value.Require] does.
func (r Required) Require(name string) Required { return require(r.Object(), name, r.member+"."+name) }

// Text returns the text of a string.
func (r Required) Text() string {
	r.must(r.is('"'), "a string")
	return r.Value.Text()
}

// Strings returns the elements of a list of strings. The list may be empty; an element of another type ends the script.
func (r Required) Strings() []string {
	const want = "a list of strings"
	r.must(r.is('['), want)
	var list []string
	for _, element := range r.Value.List() {
		r.must(element[0] == '"', want)
		list = append(list, element.Text())
	}
	return list
}

// Int returns a number that fits an int64 and is written without fraction and exponent.
func (r Required) Int() int64 {
	n, ok := r.Value.Int()
	r.must(ok, "an integer")
	return n
}

// Bool returns true or false.
func (r Required) Bool() bool {
	r.must(r.Value == "true" || r.Value == "false", "true or false")
	return r.Value == "true"
}

// Object returns an object.
func (r Required) Object() Value {
	r.must(r.is('{'), "an object")
	return r.Value
}
