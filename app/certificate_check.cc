#include "app/certificate_check.h"

#include "app/shaping_file.h"

#include "app/config_checks.h"
#include "app/config_values.h"
#include "net/tls_context.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <set>
#include <utility>

namespace postern::app {
namespace {

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
struct X509Deleter {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
struct StackDeleter {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_pop_free(stack, X509_free); }
};
struct StoreDeleter {
  void operator()(X509_STORE* store) const { X509_STORE_free(store); }
};
struct VerificationDeleter {
  void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); }
};

// The certificates of a PEM file: the server's own, and what it sends with it.
struct Chain {
  std::unique_ptr<X509, X509Deleter> leaf;
  std::unique_ptr<STACK_OF(X509), StackDeleter> others;
};

std::optional<Chain> read_chain(const std::string& file) {
  const std::unique_ptr<std::FILE, FileCloser> stream(std::fopen(file.c_str(), "r"));
  if (!stream) return std::nullopt;
  Chain chain{.leaf = std::unique_ptr<X509, X509Deleter>(PEM_read_X509(stream.get(), nullptr, nullptr, nullptr)),
              .others = std::unique_ptr<STACK_OF(X509), StackDeleter>(sk_X509_new_null())};
  if (!chain.leaf || !chain.others) return std::nullopt;
  while (X509* next = PEM_read_X509(stream.get(), nullptr, nullptr, nullptr)) sk_X509_push(chain.others.get(), next);
  return chain;
}

// Whether a client that knows this machine's authorities could follow it. A certificate that vouches for itself is meant so.
bool leads_to_an_authority(const Chain& chain) {
  if (X509_check_issued(chain.leaf.get(), chain.leaf.get()) == X509_V_OK) return true;
  const std::unique_ptr<X509_STORE, StoreDeleter> store(X509_STORE_new());
  const std::unique_ptr<X509_STORE_CTX, VerificationDeleter> verification(X509_STORE_CTX_new());
  if (!store || !verification || X509_STORE_set_default_paths(store.get()) != 1) return true;
  if (X509_STORE_CTX_init(verification.get(), store.get(), chain.leaf.get(), chain.others.get()) != 1) return true;
  X509_STORE_CTX_set_flags(verification.get(), X509_V_FLAG_NO_CHECK_TIME);
  return X509_verify_cert(verification.get()) == 1;
}

bool sends_its_issuer(const Chain& chain) {
  for (int i = 0; i < sk_X509_num(chain.others.get()); ++i) {
    if (X509_check_issued(sk_X509_value(chain.others.get(), i), chain.leaf.get()) == X509_V_OK) return true;
  }
  return false;
}

class FileChecks {
 public:
  FileChecks(const Settings& settings, Problems& problems) : settings_(settings), problems_(problems) {}

  template <class Listener>
  void check_listener(const Listener& listener);
  void check_route(const RouteSettings& route);
  void check_log();

 private:
  // Missing: an error; not readable by this user: a warning. False: it cannot be looked at.
  bool check_readable(const Place& place, const std::string& file);
  void check_pair(const CertificateFiles& files, std::size_t line);
  void check_times(const Place& place, const std::string& file, const Chain& chain);
  void check_names(const Place& place, const std::string& file, const Chain& chain);

  const Settings& settings_;
  Problems& problems_;
  std::set<std::pair<std::string, std::string>> seen_;
};

bool FileChecks::check_readable(const Place& place, const std::string& file) {
  if (::access(file.c_str(), R_OK) == 0) return true;
  if (errno == EACCES) {
    problems_.warn(place, file + " cannot be read by this user and was not looked at", "run this as the service's user or as root");
  } else {
    problems_.add(place, "there is no " + file, "name a file that is there");
  }
  return false;
}

template <class Listener>
void FileChecks::check_listener(const Listener& listener) {
  if (listener.tls == "none") return;
  const CertificateFiles files = certificate_files(settings_, listener);
  // Development makes its own at the first start.
  const bool is_to_be_made = files.is_self_signed && ::access(files.certificate.c_str(), F_OK) != 0;
  if (files.certificate.empty() || is_to_be_made || !seen_.emplace(files.certificate, files.key).second) return;
  check_pair(files, listener.tls_certificate_file.empty() ? Place::kTopTable : listener.line);
}

void FileChecks::check_pair(const CertificateFiles& files, std::size_t line) {
  const Place certificate{line, "tls_certificate_file"};
  const Place key{line, "tls_key_file"};
  if (!check_readable(certificate, files.certificate)) return;
  const auto chain = read_chain(files.certificate);
  if (!chain) return problems_.add(certificate, files.certificate + " holds no certificate in PEM form", "name the right file");
  check_times(certificate, files.certificate, *chain);
  if (!files.is_self_signed) check_names(certificate, files.certificate, *chain);
  if (!check_readable(key, files.key)) return;
  struct stat facts {};
  if (::stat(files.key.c_str(), &facts) == 0 && (facts.st_mode & S_IROTH) != 0) {
    problems_.warn(key, files.key + " can be read by every user of this machine", "chmod o-r it");
  }
  // As the server will load the two.
  const auto loaded = net::TlsServerContext::load(files.certificate, files.key);
  if (!loaded) problems_.add(key, loaded.error().context(), "give the key that belongs to the certificate");
}

void FileChecks::check_times(const Place& place, const std::string& file, const Chain& chain) {
  if (X509_cmp_current_time(X509_get0_notAfter(chain.leaf.get())) < 0) {
    problems_.warn(place, file + " has expired", "renew it");
  } else if (X509_cmp_current_time(X509_get0_notBefore(chain.leaf.get())) > 0) {
    problems_.warn(place, file + " is not valid yet", "look at the machine's clock, or wait");
  }
}

void FileChecks::check_names(const Place& place, const std::string& file, const Chain& chain) {
  const std::string name = effective_hostname(settings_);
  if (X509_check_host(chain.leaf.get(), name.c_str(), name.size(), 0, nullptr) != 1) {
    problems_.warn(place, file + " does not name " + name, "clients must use a name that it has; or set hostname to that");
  }
  if (!sends_its_issuer(chain) && !leads_to_an_authority(chain)) {
    problems_.warn(place, file + " comes without the certificates of its issuer: clients cannot verify it",
                   "put the chain into it (\"fullchain\"), or have clients trust its authority");
  }
}

void FileChecks::check_route(const RouteSettings& route) {
  if (route.ca_file.empty()) return;
  const Place place{route.line, "ca_file"};
  if (!check_readable(place, route.ca_file)) return;
  const auto loaded = net::TlsClientContext::create(net::TlsVerification::Required, route.ca_file);
  if (!loaded) problems_.add(place, loaded.error().context(), "name a PEM file with certificates of authorities");
}

void FileChecks::check_log() {
  if (settings_.log_file.empty()) return;
  const Place place{Place::kTopTable, "log_file"};
  struct stat facts {};
  const std::string folder = std::filesystem::path(settings_.log_file).parent_path().string();
  if (::stat(folder.c_str(), &facts) != 0 || !S_ISDIR(facts.st_mode)) {
    problems_.add(place, "there is no folder " + folder, "make it, and let the service's user write there");
  } else if (::stat(settings_.log_file.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode)) {
    problems_.add(place, settings_.log_file + " is a folder", "name a file");
  }
}

}  // namespace

std::vector<ConfigProblem> check_named_files(const Settings& settings, const std::filesystem::path& file) {
  Problems problems(file);
  FileChecks checks(settings, problems);
  for (const auto& listener : settings.listeners) checks.check_listener(listener);
  for (const auto& listener : settings.http_listeners) checks.check_listener(listener);
  for (const auto& route : settings.routes) checks.check_route(route);
  checks.check_log();
  std::vector<ConfigProblem> found = problems.take();
  if (!settings.shaping_file.empty()) std::ranges::move(load_shaping(settings.shaping_file).problems, std::back_inserter(found));
  return found;
}

std::optional<int> days_until_expiry(const std::string& file) {
  const auto chain = read_chain(file);
  int days = 0;
  int seconds = 0;
  if (!chain || ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(chain->leaf.get())) != 1) return std::nullopt;
  return seconds < 0 ? days - 1 : days;
}

}  // namespace postern::app
