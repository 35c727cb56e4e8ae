// Package certs holds the certificate and the key of a listener, and the authorities whose clients may connect to it. A
// [Reloader] serves them; [Follow] reads them again when their files change, and takes them only if they belong
// together.
package certs

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"registrar/internal/secretfile"
)

// Files name what a listener's TLS is read from.
type Files struct {
	Listener string // name of the listener, for the log
	Cert     string // certificate and its chain, PEM
	Key      string // private key of the certificate, PEM, not encrypted
	ClientCA string // authorities whose clients may connect, PEM; "" means that clients need no certificate
}

// A Reloader is the TLS of a listener. It is safe for concurrent use.
type Reloader struct {
	files Files
	base  *tls.Config // has the keys of session tickets, which crypto/tls changes each day
	inUse atomic.Pointer[loaded]

	// Of look.
	pending digest  // what the last look found, if that was not in use
	refused refusal // what was logged last
}

// A refusal says what could not be used, and why.
type refusal struct {
	digest digest
	why    string
}

// New reads the files of a listener. A certificate that has expired is no error, since a server that does not start
// helps its clients no more; see [Reloader.Warnings].
func New(files Files) (*Reloader, error) {
	r := &Reloader{files: files}
	r.base = &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return r.inUse.Load().config, nil
		},
	}
	first, err := r.load(files.read())
	if err != nil {
		return nil, err
	}
	r.inUse.Store(first)
	return r, nil
}

// Config returns the configuration of the listener. Each handshake has the certificate and the authorities that are in
// use when it begins. Connections speak HTTP/2 or HTTP/1.1, by TLS 1.3 or 1.2.
func (r *Reloader) Config() *tls.Config { return r.base }

// NotAfter returns when the certificate in use expires.
func (r *Reloader) NotAfter() time.Time { return r.inUse.Load().leaf.NotAfter }

// Valid returns an error if the certificate in use is not valid yet, or not any more.
func (r *Reloader) Valid() error { return r.inUse.Load().valid(time.Now()) }

// Warnings returns what an operator should mend: a certificate that is not valid now, and a private key that every user
// of the machine may read. Since many tools store keys so, the latter is not refused.
func (r *Reloader) Warnings() (warnings []string) {
	if err := r.Valid(); err != nil {
		warnings = append(warnings, err.Error())
	}
	if err := secretfile.Check(r.files.Key); err != nil {
		warnings = append(warnings, "the private key: "+err.Error())
	}
	return warnings
}

// Interval is the time between two looks at the files.
const Interval = time.Second

// Follow looks at the files of listeners each [Interval], until ctx is done. A change is taken when a second look finds
// the same, since the first may find a file half written. Each function from hangup has Follow look at once and take
// what it finds, log the result, and call the function. What cannot be used is logged, and what was in use stays in
// use. A Reloader may be in one Follow at a time.
func Follow(ctx context.Context, listeners []*Reloader, hangup <-chan func(), log *slog.Logger) {
	ticker := time.NewTicker(Interval)
	defer ticker.Stop()
	if len(listeners) == 0 {
		ticker.Stop()
	}
	for {
		var done func()
		select {
		case <-ctx.Done():
			return
		case done = <-hangup:
			if len(listeners) == 0 {
				log.InfoContext(ctx, "hangup: there is no certificate to read again")
			}
		case <-ticker.C:
		}
		for _, r := range listeners {
			r.look(ctx, done != nil, log.With("listener", r.files.Listener))
		}
		if done != nil {
			done()
		}
	}
}

// look reads the files and takes what it finds if that can be used, and is forced or was found before too.
func (r *Reloader) look(ctx context.Context, forced bool, log *slog.Logger) {
	found, used := r.files.read(), r.inUse.Load()
	if found.digest == used.digest {
		r.pending, r.refused = digest{}, refusal{}
		if forced {
			log.InfoContext(ctx, "the certificate files have not changed", "not_after", used.leaf.NotAfter)
		}
		return
	}
	if r.pending != found.digest && !forced {
		r.pending = found.digest
		return
	}
	next, err := r.load(found)
	if err == nil {
		err = next.valid(time.Now())
	}
	if err != nil {
		if now := (refusal{found.digest, err.Error()}); forced || now != r.refused {
			r.refused = now
			log.ErrorContext(ctx,
				"the certificate files cannot be used: the certificate that was read before stays in use",
				"error", err, "not_after", used.leaf.NotAfter)
		}
		return
	}
	r.inUse.Store(next)
	r.pending, r.refused = digest{}, refusal{}
	log.InfoContext(ctx, "the certificate files were read again", "not_after", next.leaf.NotAfter,
		"serial", next.leaf.SerialNumber.Text(16))
	for _, warning := range r.Warnings() {
		log.WarnContext(ctx, "the certificate files need attention", "warning", warning)
	}
}

// sessionMark is what a session's data begins with, before the digest of the files that were in use.
const sessionMark = "registrar certificate "

// bind has sessions be resumed only while the files with this digest are in use: a resumed session shows its client the
// certificate with which it began, and does not ask for the client's again.
func (r *Reloader) bind(config *tls.Config, used digest) {
	mark := append([]byte(sessionMark), used[:]...)
	config.WrapSession = func(state tls.ConnectionState, session *tls.SessionState) ([]byte, error) {
		session.Extra = append(session.Extra, mark)
		return r.base.EncryptTicket(state, session)
	}
	config.UnwrapSession = func(identity []byte, state tls.ConnectionState) (*tls.SessionState, error) {
		session, err := r.base.DecryptTicket(identity, state)
		if err != nil || session == nil {
			return nil, err
		}
		if !slices.ContainsFunc(session.Extra, func(extra []byte) bool { return string(extra) == string(mark) }) {
			return nil, nil
		}
		return session, nil
	}
}

// A digest tells contents of files from others.
type digest [sha256.Size]byte
