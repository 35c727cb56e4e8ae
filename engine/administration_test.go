package engine

import (
	"fmt"
	"testing"
	"time"
)

// The list of acts keeps the last ones, and a record never changes the list that it extends.
func TestAdminActsAreBounded(t *testing.T) {
	call := &AdminCall{Name: "someone"}
	var acts []AdminAct
	for i := range maxAdminActs + 5 {
		call.Reason = fmt.Sprint(i)
		before := len(acts)
		next := call.Record(acts, ActionUpdated, time.Unix(int64(i), 0))
		if len(acts) != before {
			t.Fatal("record changed its argument")
		}
		acts = next
	}
	if len(acts) != maxAdminActs || acts[0].Reason != "5" || acts[maxAdminActs-1].Reason != "24" {
		t.Errorf("got %d acts from %s", len(acts), acts[0].Reason)
	}
}

// Scripts see an administrator by the name of their token, or by their issuer and their subject.
func TestCallerOfAnAdministrator(t *testing.T) {
	for _, tt := range []struct {
		call AdminCall
		want Caller
	}{
		{AdminCall{Name: "ci"}, Caller{Auth: AuthAdmin, TokenID: "ci"}},
		{AdminCall{Name: "alice", Issuer: "https://i.example"},
			Caller{Auth: AuthAdmin, Issuer: "https://i.example", Subject: "alice"}},
	} {
		got := tt.call.caller()
		if got.Auth != tt.want.Auth || got.TokenID != tt.want.TokenID || got.Issuer != tt.want.Issuer ||
			got.Subject != tt.want.Subject {
			t.Errorf("%+v: got %+v, want %+v", tt.call, got, tt.want)
		}
	}
}

// Other statuses than active, also those of later programs, are not active.
func TestOnlyActiveIsActive(t *testing.T) {
	for status, want := range map[Status]bool{"": true, StatusActive: true, StatusDisabled: false, "later": false} {
		if got := (&Client{Status: status}).Active(); got != want {
			t.Errorf("%q: got %t, want %t", status, got, want)
		}
	}
}
