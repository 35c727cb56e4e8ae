package keyset

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
)

// The outcomes of an attempt to read the keys.
const (
	OutcomeRead        = "read"
	OutcomeTimeout     = "timeout"
	OutcomeCertificate = "certificate" // the certificate of the source's host is not valid
	OutcomeUnreachable = "unreachable" // the connection failed, or the file cannot be read
	OutcomeStatus      = "status"      // the status of the response is not 200
	OutcomeTooLarge    = "too_large"
	OutcomeInvalid     = "invalid" // it is no JWK set, or has no usable key
)

var (
	errStatus   = errors.New("the status of the response must be 200")
	errTooLarge = errors.New("the JWK set is too large")
	errInvalid  = errors.New("the JWK set is not valid")
)

// outcomeOf returns the outcome of an attempt that ended with err.
func outcomeOf(err error) string {
	if err == nil {
		return OutcomeRead
	}
	network, isNetwork := errors.AsType[net.Error](err)
	_, isCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case errors.Is(err, context.DeadlineExceeded), isNetwork && network.Timeout():
		return OutcomeTimeout
	case isCertificate:
		return OutcomeCertificate
	case errors.Is(err, errStatus):
		return OutcomeStatus
	case errors.Is(err, errTooLarge):
		return OutcomeTooLarge
	case errors.Is(err, errInvalid):
		return OutcomeInvalid
	}
	return OutcomeUnreachable
}
