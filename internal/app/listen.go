package app

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"

	"registrar/internal/certs"
	"registrar/internal/guard"
)

// listen opens a listener, with TLS if there are certificates.
func listen(address string, certificates *certs.Reloader) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil || certificates == nil {
		return listener, err
	}
	return tls.NewListener(listener, certificates.Config()), nil
}

// expiries returns when the certificates of the listeners expire, by listener, for [metrics.Metrics.WatchCertificates].
func (a *App) expiries() map[string]func() time.Time {
	list := map[string]func() time.Time{}
	for name, r := range map[string]*certs.Reloader{"public": a.config.TLS, "admin": a.config.AdminTLS} {
		if r != nil {
			list[name] = r.NotAfter
		}
	}
	return list
}

// followCertificates reads the certificates of both listeners again when their files change, and at a hangup, until ctx
// is done. It logs what is wrong with those of the start.
func (a *App) followCertificates(ctx context.Context, followers *sync.WaitGroup) {
	var listeners []*certs.Reloader
	for _, r := range []*certs.Reloader{a.config.TLS, a.config.AdminTLS} {
		if r == nil {
			continue
		}
		listeners = append(listeners, r)
		for _, warning := range r.Warnings() {
			a.config.Logger.WarnContext(ctx, "the certificate files need attention", "warning", warning)
		}
	}
	if len(listeners) == 0 && a.config.Hangup == nil {
		return
	}
	a.config.Guard.Follow(ctx, followers, guard.Certificates, func(ctx context.Context) {
		certs.Follow(ctx, listeners, a.config.Hangup, a.config.Logger)
	})
}
