// A CA and two server certificates, ECDSA P-256, valid for a day.
#include "tests/support/test_certs.h"

#include "core/check.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <filesystem>
#include <memory>

#include <stdlib.h>

namespace postern::test {

namespace {

struct Freed {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using Key = std::unique_ptr<EVP_PKEY, Freed>;
using Certificate = std::unique_ptr<X509, Freed>;
using File = std::unique_ptr<std::FILE, Freed>;

struct Signed {
  Key key;
  Certificate certificate;
};

void add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  POSTERN_CHECK(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

// `issuer` null: self-signed, and a CA.
Signed make(long serial, const char* name, const std::string& alternative_names, const Signed* issuer) {
  Signed made{Key(EVP_EC_gen("P-256")), Certificate(X509_new())};
  X509* raw = made.certificate.get();
  POSTERN_CHECK(made.key && raw != nullptr);
  X509_set_version(raw, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(raw), serial);
  X509_gmtime_adj(X509_getm_notBefore(raw), -3600);
  X509_gmtime_adj(X509_getm_notAfter(raw), 24L * 3600);
  X509_set_pubkey(raw, made.key.get());
  X509_NAME* subject = X509_get_subject_name(raw);
  X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509_set_issuer_name(raw, issuer == nullptr ? subject : X509_get_subject_name(issuer->certificate.get()));
  if (issuer == nullptr) add_extension(raw, NID_basic_constraints, "critical,CA:TRUE");
  if (!alternative_names.empty()) add_extension(raw, NID_subject_alt_name, alternative_names);
  POSTERN_CHECK(X509_sign(raw, (issuer == nullptr ? made.key : issuer->key).get(), EVP_sha256()) > 0);
  return made;
}

void write(const Signed& what, const CertificateFiles& files) {
  const File certificate(std::fopen(files.certificate.c_str(), "w"));
  const File key(std::fopen(files.key.c_str(), "w"));
  POSTERN_CHECK(certificate && key);
  POSTERN_CHECK(PEM_write_X509(certificate.get(), what.certificate.get()) == 1);
  POSTERN_CHECK(PEM_write_PrivateKey(key.get(), what.key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
}

}  // namespace

TestCerts::TestCerts() {
  std::string name = (std::filesystem::temp_directory_path() / "postern-certs-XXXXXX").string();
  POSTERN_CHECK(::mkdtemp(name.data()) != nullptr);
  directory_ = name;
  const Signed ca = make(1, "Test CA", "", nullptr);
  write(ca, {ca_file(), directory_ + "/ca.key"});
  write(make(2, "good", std::string("DNS:") + kServerName + ",IP:127.0.0.1,IP:::1", &ca), good());
  write(make(3, "wrong", "DNS:other.example.test", &ca), wrong_name());
}

TestCerts::~TestCerts() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

CertificateFiles TestCerts::files(const std::string& name) const {
  return {.certificate = directory_ + "/" + name + ".pem", .key = directory_ + "/" + name + ".key"};
}

const TestCerts& test_certs() {
  static const TestCerts certs;
  return certs;
}

}  // namespace postern::test
