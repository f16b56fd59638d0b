// The seal on DKIM private keys in the store: AES-256-GCM with a key in a file of its own beside the store's folders, which a
// backup leaves out. Who has a copy of the store without that file can sign for nobody.
#pragma once

#include "core/random.h"
#include "core/result.h"
#include "core/secret.h"
#include "store/directory.h"
#include "store/records.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <string_view>

namespace postern::domains {

inline constexpr const char* kSealFileName = "dkim-seal.key";  // in data_dir; 64 hexadecimal digits, mode 0600

// Any thread.
class KeySeal {
 public:
  // From `file`, which is made with a new key where it is absent. IoError; Malformed: it holds no key.
  static Result<KeySeal> open(const std::filesystem::path& file, Random& random);
  // The same, but NotFound where it is absent.
  static Result<KeySeal> read(const std::filesystem::path& file);
  KeySeal(const KeySeal&) = default;
  KeySeal& operator=(const KeySeal&) = default;
  ~KeySeal();

  // A key for something else that whoever has the file may open, 32 octets: HMAC-SHA-256 of `purpose`.
  Secret derive(std::string_view purpose) const;

  // Seals the private keys that are not sealed yet: each to its domain's name and its selector. IoError: OpenSSL fails.
  Result<void> seal(store::DomainRecord& domain, Random& random) const;
  // The reverse; keys that are not sealed stay as they are. CorruptRecord: sealed with another key file, or damaged.
  Result<void> unseal(store::DomainRecord& domain) const;

 private:
  KeySeal() = default;
  std::array<std::uint8_t, 32> key_{};
};

bool has_sealed_keys(const store::DomainRecord& domain);

// Stores of before the seal: seals what is not sealed, in a commit for each domain, and writes what else a domain record of today
// has beside it. Returns how many domains were rewritten; records that are damaged are passed over. At the start of the server.
Result<std::size_t> seal_stored_keys(store::Directory& directory, const KeySeal& seal, Random& random);

}  // namespace postern::domains
