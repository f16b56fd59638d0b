// Sealed: "sealed:1:" and the base64 of 12 octets nonce, the ciphertext, 16 octets tag. A PEM never begins so.
#include "domains/key_seal.h"

#include "core/base64.h"
#include "core/check.h"
#include "core/descriptor.h"
#include "core/secret.h"
#include "domains/dkim_keys.h"
#include "core/files.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace postern::domains {
namespace {

constexpr std::string_view kSealedPrefix = "sealed:1:";
constexpr std::size_t kNonceOctets = 12;  // NIST SP 800-38D §5.2.1.1
constexpr std::size_t kTagOctets = 16;
constexpr std::size_t kSealDigits = 64;

struct CipherDeleter {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, CipherDeleter>;

unsigned char* writable(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
const unsigned char* readable(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

// A sealed key cannot be moved to another domain or selector.
std::string bound_to(const store::DomainRecord& domain, const store::DkimKey& key) {
  return domain.name + "\n" + key.selector + "\n" + key.algorithm;
}

// `tag` is filled in, or compared where `seals` is false. nullopt: it does not fit.
std::optional<std::string> run_cipher(bool seals, const std::array<std::uint8_t, 32>& key, std::string_view nonce,
                                      std::string_view bound, std::string_view text, std::string& tag) {
  const Cipher cipher(EVP_CIPHER_CTX_new());
  std::string out(text.size(), '\0');
  int length = 0;
  const auto feed = [&](unsigned char* to, std::string_view octets) {
    return EVP_CipherUpdate(cipher.get(), to, &length, readable(octets), static_cast<int>(octets.size())) == 1;
  };
  bool is_done = cipher && EVP_CipherInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.data(), readable(nonce), seals) == 1 &&
                 feed(nullptr, bound) && feed(writable(out), text);
  if (is_done && !seals) {
    is_done = EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(tag.size()), writable(tag)) == 1;
  }
  is_done = is_done && EVP_CipherFinal_ex(cipher.get(), writable(out) + out.size(), &length) == 1;
  if (is_done && seals) {
    tag.assign(kTagOctets, '\0');
    is_done = EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(tag.size()), writable(tag)) == 1;
  }
  if (is_done) return out;
  wipe_string(out);
  return std::nullopt;
}

bool is_sealed(std::string_view text) { return text.starts_with(kSealedPrefix); }

std::optional<std::uint8_t> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  return std::nullopt;
}

Error file_error(std::string_view what, const std::filesystem::path& file) {
  return Error(ErrorCode::IoError, std::string(what) + " " + file.string() + ": " + std::strerror(errno));
}

// Under another name first, then linked to its place: of two processes that make one at once, one does.
Result<void> make_seal_file(const std::filesystem::path& file, Random& random) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::array<std::uint8_t, kSealDigits / 2> octets{};
  random.fill(octets);
  std::string text;
  for (const std::uint8_t octet : octets) text.append({kDigits[octet >> 4], kDigits[octet & 15]});
  text += '\n';
  OPENSSL_cleanse(octets.data(), octets.size());
  const std::string draft = file.string() + ".new." + std::to_string(::getpid());
  ::unlink(draft.c_str());
  const Descriptor seal(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!seal.is_open()) return file_error("make", draft);
  const bool is_written =
      ::write(seal.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(seal.get()) == 0;
  Result<void> made;
  if (!is_written) made = file_error("write", draft);
  wipe_string(text);
  if (made) made = give_to_folder_owner(draft);
  if (made && ::link(draft.c_str(), file.c_str()) != 0 && errno != EEXIST) made = file_error("make", file);
  ::unlink(draft.c_str());
  if (!made) return made;
  return sync_folder(whole_path(file).parent_path());
}

}  // namespace

Secret KeySeal::derive(std::string_view purpose) const {
  std::string derived(key_.size(), '\0');
  unsigned length = 0;
  POSTERN_CHECK(HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()), readable(purpose), purpose.size(), writable(derived),
                     &length) != nullptr);
  Secret secret(derived);
  wipe_string(derived);
  return secret;
}

KeySeal::~KeySeal() { OPENSSL_cleanse(key_.data(), key_.size()); }

Result<KeySeal> KeySeal::read(const std::filesystem::path& file) {
  const Descriptor input(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!input.is_open()) {
    if (errno == ENOENT) return Error(ErrorCode::NotFound, "there is no " + file.string());
    return file_error("open", file);
  }
  std::string text(kSealDigits, '\0');
  const ssize_t count = ::read(input.get(), text.data(), text.size());
  KeySeal seal;
  bool is_key = count == static_cast<ssize_t>(kSealDigits);
  for (std::size_t i = 0; is_key && i < seal.key_.size(); ++i) {
    const auto high = hex_digit(text[2 * i]);
    const auto low = hex_digit(text[2 * i + 1]);
    is_key = high && low;
    if (is_key) seal.key_[i] = static_cast<std::uint8_t>(*high << 4 | *low);
  }
  wipe_string(text);
  if (!is_key) return Error(ErrorCode::Malformed, file.string() + " does not hold 64 hexadecimal digits; put the right file back");
  return seal;
}

Result<KeySeal> KeySeal::open(const std::filesystem::path& file, Random& random) {
  Result<KeySeal> seal = read(file);
  if (seal || seal.error().code() != ErrorCode::NotFound) return seal;
  if (Result<void> made = make_seal_file(file, random); !made) return made.error();
  return read(file);
}

Result<void> KeySeal::seal(store::DomainRecord& domain, Random& random) const {
  for (store::DkimKey& key : domain.dkim_keys) {
    if (is_sealed(key.private_key) || key.private_key.empty()) continue;
    std::array<std::uint8_t, kNonceOctets> octets{};
    random.fill(octets);
    const std::string nonce(octets.begin(), octets.end());
    std::string tag;
    const auto sealed = run_cipher(true, key_, nonce, bound_to(domain, key), key.private_key, tag);
    if (!sealed) return Error(ErrorCode::IoError, "OpenSSL cannot seal a signing key");
    wipe_string(key.private_key);
    key.private_key = std::string(kSealedPrefix) + encode_base64(nonce + *sealed + tag);
  }
  return {};
}

Result<void> KeySeal::unseal(store::DomainRecord& domain) const {
  for (store::DkimKey& key : domain.dkim_keys) {
    if (!is_sealed(key.private_key)) continue;
    const auto octets = decode_base64(std::string_view(key.private_key).substr(kSealedPrefix.size()));
    std::optional<std::string> text;
    if (octets && octets->size() > kNonceOctets + kTagOctets) {
      const std::string_view whole = *octets;
      std::string tag(whole.substr(whole.size() - kTagOctets));
      const std::string_view sealed = whole.substr(kNonceOctets, whole.size() - kNonceOctets - kTagOctets);
      text = run_cipher(false, key_, whole.substr(0, kNonceOctets), bound_to(domain, key), sealed, tag);
    }
    if (!text) {
      return Error(ErrorCode::CorruptRecord, "the signing keys of " + domain.name + " are sealed with another " + kSealFileName +
                                                 ": put the right one back, or remove the domain and add it again");
    }
    key.private_key = std::move(*text);
  }
  return {};
}

bool has_sealed_keys(const store::DomainRecord& domain) {
  for (const store::DkimKey& key : domain.dkim_keys) {
    if (is_sealed(key.private_key)) return true;
  }
  return false;
}

Result<std::size_t> seal_stored_keys(store::Directory& directory, const KeySeal& seal, Random& random) {
  const auto accounts = directory.list_accounts();
  if (!accounts) return accounts.error();
  std::size_t count = 0;
  for (const store::AccountRecord& account : *accounts) {
    auto domains = directory.list_domains(account.id);
    if (!domains) continue;  // damaged: doctor says so, and nobody else's keys wait for it
    for (store::DomainRecord& domain : *domains) {
      bool is_old = false;
      for (const store::DkimKey& key : domain.dkim_keys) {
        if (!key.private_key.empty() && !is_sealed(key.private_key)) is_old = true;
      }
      wipe_private_keys(domain);
      if (!is_old && domain.state == store::DomainState::Verified) {
        auto owner = directory.find_domain_named(store::kVerifiedOwner, domain.name);
        if (!owner) return owner.error();
        is_old = !*owner;
      }
      if (!is_old) continue;
      const auto written = directory.write([&](store::DirectoryWriter& writer) -> Result<void> {
        auto current = writer.find_domain(domain.id);
        if (!current) return current.error();
        if (!*current) return {};
        if (Result<void> sealed = seal.seal(**current, random); !sealed) return sealed;
        return writer.put_domain(**current);
      });
      if (!written) return written.error();
      ++count;
    }
  }
  return count;
}

}  // namespace postern::domains
