// The certificate of a first start: self-signed, for development (declared in net/tls_context.h).
#include "net/tls_context.h"

#include "core/ip_address.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace postern::net {

namespace {

constexpr long kTenYearsInSeconds = 10L * 365 * 24 * 3600;
constexpr int kSerialBits = 128;  // RFC 5280 §4.1.2.2 allows up to 20 octets

template <auto free_function>
struct FreeWith {
  template <class T>
  void operator()(T* object) const {
    free_function(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, FreeWith<&EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, FreeWith<&X509_free>>;
using Bio = std::unique_ptr<BIO, FreeWith<&BIO_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, FreeWith<&GENERAL_NAMES_free>>;
using Number = std::unique_ptr<BIGNUM, FreeWith<&BN_free>>;

Error not_made(const std::string& what) { return Error(ErrorCode::TlsFailed, "make a certificate: " + what); }

bool add_name(GENERAL_NAMES* names, const std::string& text) {
  const bool is_address = parse_ip_address(text).has_value();
  GENERAL_NAME* name = GENERAL_NAME_new();
  if (name == nullptr) return false;
  ASN1_OCTET_STRING* value = is_address ? a2i_IPADDRESS(text.c_str()) : ASN1_IA5STRING_new();
  const bool is_set = value != nullptr && (is_address || ASN1_STRING_set(value, text.c_str(), -1) == 1);
  if (is_set) GENERAL_NAME_set0_value(name, is_address ? GEN_IPADD : GEN_DNS, value);
  if (!is_set) ASN1_STRING_free(value);
  if (is_set && sk_GENERAL_NAME_push(names, name) > 0) return true;
  GENERAL_NAME_free(name);
  return false;
}

bool set_names(X509* certificate, const std::string& hostname) {
  const Names names(GENERAL_NAMES_new());
  if (!names) return false;
  for (const std::string& name : {hostname, std::string("localhost"), std::string("127.0.0.1"), std::string("::1")}) {
    if (!add_name(names.get(), name)) return false;
  }
  return X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT) == 1;
}

bool add_extension(X509* certificate, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  if (extension == nullptr) return false;
  const bool is_added = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return is_added;
}

bool set_serial(X509* certificate) {
  const Number number(BN_new());
  return number && BN_rand(number.get(), kSerialBits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_subject(X509* certificate) {
  // The names that count are the alternative ones (RFC 6125 §6.4.4); this one is for people.
  X509_NAME* subject = X509_get_subject_name(certificate);
  const auto* text = reinterpret_cast<const unsigned char*>("Postern self-signed");
  return X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_ASC, text, -1, -1, 0) == 1 &&
         X509_set_issuer_name(certificate, subject) == 1;
}

Certificate make_certificate(EVP_PKEY* key, const std::string& hostname) {
  Certificate made(X509_new());
  X509* raw = made.get();
  const bool is_made = raw != nullptr && X509_set_version(raw, X509_VERSION_3) == 1 && set_serial(raw) &&
                       X509_gmtime_adj(X509_getm_notBefore(raw), 0) != nullptr &&
                       X509_gmtime_adj(X509_getm_notAfter(raw), kTenYearsInSeconds) != nullptr &&
                       X509_set_pubkey(raw, key) == 1 && set_subject(raw) && set_names(raw, hostname) &&
                       add_extension(raw, NID_basic_constraints, "critical,CA:FALSE") &&
                       add_extension(raw, NID_key_usage, "critical,digitalSignature") &&
                       add_extension(raw, NID_ext_key_usage, "serverAuth") &&
                       X509_sign(raw, key, EVP_sha256()) > 0;
  if (!is_made) made.reset();
  return made;
}

Result<void> write_file(const std::string& path, BIO* content, mode_t mode) {
  char* octets = nullptr;
  const long size = BIO_get_mem_data(content, &octets);
  const std::string temporary = path + ".new";
  ::unlink(temporary.c_str());
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (file < 0) return Error(ErrorCode::IoError, "write " + temporary + ": " + std::strerror(errno));
  const bool is_written = ::write(file, octets, static_cast<std::size_t>(size)) == size && ::fsync(file) == 0;
  const bool is_closed = ::close(file) == 0;
  if (is_written && is_closed && ::rename(temporary.c_str(), path.c_str()) == 0) return Result<void>();
  return Error(ErrorCode::IoError, "write " + path + ": " + std::strerror(errno));
}

}  // namespace

Result<void> write_self_signed_certificate(const std::string& hostname, const std::string& certificate_file,
                                           const std::string& key_file) {
  const Key key(EVP_EC_gen("P-256"));
  if (!key) return not_made("no key");
  const Certificate certificate = make_certificate(key.get(), hostname);
  if (!certificate) return not_made("no certificate for " + hostname);
  const Bio key_text(BIO_new(BIO_s_secmem()));
  const Bio certificate_text(BIO_new(BIO_s_mem()));
  if (!key_text || !certificate_text || PEM_write_bio_X509(certificate_text.get(), certificate.get()) != 1 ||
      PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return not_made("no PEM text");
  }
  Result<void> written = write_file(key_file, key_text.get(), 0600);
  if (!written) return written;
  return write_file(certificate_file, certificate_text.get(), 0644);
}

}  // namespace postern::net
