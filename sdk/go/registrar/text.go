package registrar

// MaxRandomText is the greatest length of a text of [RandomText]: what a registration may read of random bytes.
const MaxRandomText = 4096

// RandomText returns n characters of an alphabet, each of them equally likely: for a secret of 256 bits, 43 letters and
// digits. An alphabet has 2 to 128 different ASCII characters; n is 0 to MaxRandomText. The script fails for others. It
// reads a byte for each character, and as many again as fall outside the greatest multiple of the alphabet's size below
// 257: 3 in 100 for letters and digits, none for an alphabet of 16 or 64.
func RandomText(alphabet string, n int) string {
	if problem := textProblem(alphabet, n); problem != "" {
		panic("registrar: RandomText: " + problem)
	}
	return randomText(alphabet, n, Random)
}

// textProblem returns what is wrong with the arguments of RandomText, "" if nothing is.
func textProblem(alphabet string, n int) string {
	if n < 0 || n > MaxRandomText {
		return "the length must be 0 to 4096"
	}
	var seen [128]bool
	for i := range len(alphabet) {
		c := alphabet[i]
		if c >= 128 {
			return "the alphabet has a character outside ASCII"
		}
		if seen[c] {
			return "the alphabet has a character twice, which would be twice as likely"
		}
		seen[c] = true
	}
	if len(alphabet) < 2 {
		return "the alphabet must have 2 characters at least"
	}
	return ""
}

// randomText rejects the bytes from which some characters would follow more often than others.
func randomText(alphabet string, n int, fill func([]byte)) string {
	limit := 256 - 256%len(alphabet)
	text := make([]byte, n)
	for done := 0; done < n; {
		bytes := text[done:] // no byte is read after its character is written
		fill(bytes)
		for _, b := range bytes {
			if int(b) < limit {
				text[done] = alphabet[int(b)%len(alphabet)]
				done++
			}
		}
	}
	return string(text)
}

// CRC32 returns the checksum of a text as zip, PNG and Ethernet have it (IEEE 802.3).
func CRC32(text string) uint32 {
	crc := ^uint32(0)
	for i := range len(text) {
		crc ^= uint32(text[i])
		crc = crc>>4 ^ crcOfNibble[crc&15]
		crc = crc>>4 ^ crcOfNibble[crc&15]
	}
	return ^crc
}

// crcOfNibble is a table of 64 bytes; that of hash/crc32 has 1,024 at least, computed in each registration.
var crcOfNibble = [16]uint32{
	0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
	0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
}

// Base62 is the alphabet of letters and digits in the order of [EncodeBase62].
const Base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// EncodeBase62 returns a number as six digits of Base62, the most significant one first: "000000" to "4gfFC3".
func EncodeBase62(n uint32) string {
	var text [6]byte
	for i := range text {
		text[5-i] = Base62[n%62]
		n /= 62
	}
	return string(text[:])
}
