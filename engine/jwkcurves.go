package engine

import (
	"bytes"
	"math/big"
	"sync"

	"filippo.io/edwards25519"
)

// checkEd25519 checks that x is a point, as it is encoded (RFC 8032 §5.1.3). Signatures by a point of small order can
// be made without a private key.
func (k *jwk) checkEd25519(x []byte) error {
	p, err := new(edwards25519.Point).SetBytes(x)
	if err != nil || !bytes.Equal(p.Bytes(), x) {
		return k.refuse("x", "is not a point on Ed25519")
	}
	if p.MultByCofactor(p).Equal(edwards25519.NewIdentityPoint()) == 1 {
		return k.refuse("x", "is a point of small order, for which signatures can be made without a private key")
	}
	return nil
}

// secp256k1Prime returns the prime of the field of secp256k1: 2^256 - 2^32 - 977 (SEC 2 §2.4.1). Callers must not
// modify it.
var secp256k1Prime = sync.OnceValue(func() *big.Int {
	p := new(big.Int).Lsh(big.NewInt(1), 256)
	return p.Sub(p, big.NewInt(1<<32+977))
})

// onSecp256k1 reports whether an uncompressed point is on secp256k1, which package crypto does not have. The point is
// public: its time may depend on it.
func onSecp256k1(point []byte) bool {
	p := secp256k1Prime()
	x, y := new(big.Int).SetBytes(point[1:33]), new(big.Int).SetBytes(point[33:])
	if x.Cmp(p) >= 0 || y.Cmp(p) >= 0 {
		return false
	}
	// y² = x³ + 7
	right := new(big.Int).Mul(x, x)
	right.Mod(right, p).Mul(right, x).Add(right, big.NewInt(7)).Mod(right, p)
	left := y.Mul(y, y)
	return left.Mod(left, p).Cmp(right) == 0
}
