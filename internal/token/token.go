// Package token holds the tokens that this server makes: 256 random bits that are shown once and kept as hashes. The admin
// token of a server's first start is made, written to a file and found again here.
package token
