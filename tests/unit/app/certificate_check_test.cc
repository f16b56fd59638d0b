// What `config check` says of the files that a configuration names, one slip at a time.
#include "app/certificate_check.h"

#include "app/config.h"
#include "tests/support/temp_store.h"
#include "tests/support/test_certs.h"

#include <gtest/gtest.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>

namespace postern::app {
namespace {

namespace fs = std::filesystem;

std::string problems_of(const std::string& text) {
  const ConfigLoad load = parse_config(std::string("hostname = \"") + test::TestCerts::kServerName + "\"\n" + text, "/p.toml");
  EXPECT_TRUE(load.is_usable()) << format_problem(load.problems.front());
  std::string all;
  for (const auto& problem : check_named_files(load.settings, "/p.toml")) all += format_problem(problem) + "\n";
  return all;
}

std::string with_pair(const std::string& certificate, const std::string& key) {
  return "tls_certificate_file = \"" + certificate + "\"\ntls_key_file = \"" + key + "\"\n";
}

std::string content_of(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

// A certificate for the right name by itself, valid from and until so many seconds from now.
test::CertificateFiles write_certificate(const fs::path& folder, long from, long until) {
  test::CertificateFiles files{folder / "timed.crt", folder / "timed.key"};
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  X509_gmtime_adj(X509_getm_notBefore(certificate), from);
  X509_gmtime_adj(X509_getm_notAfter(certificate), until);
  X509_set_pubkey(certificate, key);
  X509_NAME* name = X509_get_subject_name(certificate);
  const std::string text = test::TestCerts::kServerName;
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(text.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_sign(certificate, key, EVP_sha256());
  std::FILE* file = std::fopen(files.certificate.c_str(), "w");
  PEM_write_X509(file, certificate);
  std::fclose(file);
  file = std::fopen(files.key.c_str(), "w");
  PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
  ::chmod(files.key.c_str(), 0600);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return files;
}

TEST(CertificateCheck, SaysWhatIsWrongWithEachFile) {
  const test::TestCerts& certs = test::test_certs();
  const test::TempFolder folder;
  const auto good = certs.good();
  const auto wrong = certs.wrong_name();
  for (const auto& files : {good, wrong}) ::chmod(files.key.c_str(), 0600);
  const std::string full_chain = folder.path() / "full.crt";
  std::ofstream(full_chain) << content_of(good.certificate) << content_of(certs.ca_file());
  const std::string garbage = folder.path() / "garbage.pem";
  std::ofstream(garbage) << "-----BEGIN CERTIFICATE-----\nnonsense\n";
  const std::string open_key = folder.path() / "open.key";
  fs::copy_file(good.key, open_key);
  ::chmod(open_key.c_str(), 0644);
  const std::string missing = folder.path() / "none.pem";
  const auto expired = write_certificate(folder.path(), -7200, -3600);

  struct Case {
    const char* name;
    std::string text;
    std::string expected;  // empty: nothing
  };
  const std::string route = "[[route]]\nname = \"a\"\nhost = \"h.example\"\ndomains = [\"*\"]\nca_file = \"";
  const std::string pair = with_pair(full_chain, good.key);
  const Case cases[] = {
      {"all is well", pair, ""},
      {"no chain", with_pair(good.certificate, good.key), "warning: tls_certificate_file: " + good.certificate + " comes without"},
      {"a key of another certificate", with_pair(full_chain, wrong.key), "tls_key_file: "},
      {"garbage for a certificate", with_pair(garbage, good.key), "tls_certificate_file: " + garbage + " holds no certificate"},
      {"garbage for a key", with_pair(full_chain, garbage), "tls_key_file: "},
      {"no certificate", with_pair(missing, good.key), "tls_certificate_file: there is no " + missing},
      {"no key", with_pair(full_chain, missing), "tls_key_file: there is no " + missing},
      {"another name", with_pair(wrong.certificate, wrong.key), "does not name " + std::string(test::TestCerts::kServerName)},
      {"expired", with_pair(expired.certificate, expired.key),
       "warning: tls_certificate_file: " + expired.certificate + " has expired"},
      {"a key that everybody can read", with_pair(full_chain, open_key), "can be read by every user"},
      {"no authorities", pair + route + missing + "\"\n", "ca_file: there is no " + missing},
      {"garbage for authorities", pair + route + garbage + "\"\n", "ca_file: "},
      {"authorities", pair + route + certs.ca_file() + "\"\n", ""},
      {"a listener's own pair", pair + "[[listener]]\nport = 587\n" + with_pair(full_chain, wrong.key), "p.toml:4: tls_key_file: "},
      {"a log in no folder", "log_file = \"" + missing + "/log\"\n" + pair, "log_file: there is no folder " + missing},
      {"a log that is a folder", "log_file = \"" + folder.path().string() + "\"\n" + pair, "is a folder"},
  };
  for (const Case& c : cases) {
    const std::string all = problems_of(c.text);
    const bool is_as_expected = c.expected.empty() ? all.empty() : all.find(c.expected) != std::string::npos;
    EXPECT_TRUE(is_as_expected) << c.name << ": " << all;
  }
  const auto early = write_certificate(folder.path(), 3600, 7200);
  const std::string too_early = "warning: tls_certificate_file: " + early.certificate + " is not valid yet";
  EXPECT_NE(problems_of(with_pair(early.certificate, early.key)).find(too_early), std::string::npos);
  const auto own = write_certificate(folder.path(), -3600, 86'400 * 30 - 3600);
  EXPECT_EQ(problems_of(with_pair(own.certificate, own.key)), "") << "one that vouches for itself is meant so";
  EXPECT_EQ(days_until_expiry(own.certificate), 29);
  EXPECT_EQ(days_until_expiry(missing), std::nullopt);
}

}  // namespace
}  // namespace postern::app
