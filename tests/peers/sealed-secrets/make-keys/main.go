// make-keys prints key pairs made by the reference's own code, as JSON: the keys of the vectors.
package main

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"log"
	"os"
	"time"

	"github.com/bitnami/sealed-secrets/pkg/crypto"
)

type keyPair struct {
	Bits        int    `json:"bits"`
	CommonName  string `json:"commonName"`
	PKCS1       string `json:"pkcs1"`
	PKCS8       string `json:"pkcs8"`
	Certificate string `json:"certificate"`
	Fingerprint string `json:"fingerprint"`
	NotBefore   int64  `json:"notBefore"`
	NotAfter    int64  `json:"notAfter"`
}

func block(tag string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: tag, Bytes: der}))
}

func check[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func generate(bits int, commonName string) keyPair {
	key, certificate, err := crypto.GeneratePrivateKeyAndCert(bits, 10*365*24*time.Hour, commonName)
	check(key, err)
	return keyPair{
		Bits:        bits,
		CommonName:  commonName,
		PKCS1:       block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)),
		PKCS8:       block("PRIVATE KEY", check(x509.MarshalPKCS8PrivateKey(key))),
		Certificate: block("CERTIFICATE", certificate.Raw),
		Fingerprint: check(crypto.PublicKeyFingerprint(certificate.PublicKey.(*rsa.PublicKey))),
		NotBefore:   certificate.NotBefore.Unix(),
		NotAfter:    certificate.NotAfter.Unix(),
	}
}

func main() {
	keys := map[string]keyPair{
		"rsa2048": generate(2048, ""),
		"rsa3072": generate(3072, "vectors.example"),
		"rsa4096": generate(4096, ""),
		"rsa8192": generate(8192, ""),
		"other":   generate(2048, ""),
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	check(0, encoder.Encode(keys))
}
