// libopendkim keeps a copy of each private key while it signs; its memory functions are ours (domains/dkim_memory), so that every
// block is given back and wiped.
#include "domains/dkim_signer.h"

#include "core/bytes.h"
#include "domains/dkim_keys.h"
#include "domains/dkim_memory.h"
#include "mime/from_field.h"
#include "store/directory.h"

#include <sys/types.h>

#define _Bool bool  // NOLINT(bugprone-reserved-identifier): the header is written for C
#include <dkim.h>
#undef _Bool

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

namespace postern::domains {
namespace {

constexpr std::string_view kFieldName = "DKIM-Signature: ";
constexpr std::size_t kMaxSignatures = 4;  // of one message; two kinds of keys sign

// RFC 6376 §5.4.1: what gives the message its meaning, and how its body is read.
constexpr std::array<const char*, 27> kSignedFields = {
    "From", "Sender", "Reply-To", "Subject", "Date", "Message-ID", "To", "Cc",
    "MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Content-ID", "In-Reply-To", "References",
    "Resent-Date", "Resent-From", "Resent-To", "Resent-Cc", "Resent-Sender", "Resent-Message-ID",
    "List-Id", "List-Help", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Subscribe", "List-Post", nullptr};
// RFC 6376 §8.15: named once more than they are there, so that nobody can add another.
constexpr std::array<const char*, 9> kSealedFields = {
    "From", "Subject", "Date", "To", "Cc", "Reply-To", "MIME-Version", "Content-Type", nullptr};

// One key's signature under way, and all that the library took for it.
struct Signature {
  DkimMemory memory;
  DKIM* handle = nullptr;

  Signature() = default;
  ~Signature() {
    const DkimMemory::Scope scope(memory);
    if (handle != nullptr) dkim_free(handle);
  }
  Signature(const Signature&) = delete;
  Signature& operator=(const Signature&) = delete;
};

Error not_signed(DKIM_STAT status) {
  const char* const words = dkim_getresultstr(status);
  return Error(ErrorCode::IoError, std::string("DKIM: ") + (words == nullptr ? "unknown failure" : words));
}

// libopendkim takes octets as unsigned and not const; it does not change them.
unsigned char* octets_of(std::string_view text) { return reinterpret_cast<unsigned char*>(const_cast<char*>(text.data())); }

class DkimContentSigner final : public ContentSigner {
 public:
  DKIM_STAT add(DKIM_LIB* library, const store::DkimKey& key, const std::string& domain) {
    const dkim_alg_t algorithm = key.algorithm == "rsa-sha256" ? DKIM_SIGN_RSASHA256 : DKIM_SIGN_ED25519SHA256;
    DKIM_STAT status = DKIM_STAT_OK;
    auto signature = std::make_unique<Signature>();
    const DkimMemory::Scope scope(signature->memory);
    signature->handle = dkim_sign(library, octets_of("-"), &signature->memory, octets_of(key.private_key), octets_of(key.selector),
                                  octets_of(domain), DKIM_CANON_RELAXED, DKIM_CANON_RELAXED, algorithm, -1, &status);
    if (signature->handle != nullptr) signatures_.push_back(std::move(signature));
    return status;
  }

  void append(std::string_view content) override {
    if (content.empty()) return;
    ends_line_ = content.ends_with('\n');
    for (const auto& signature : signatures_) {
      const DkimMemory::Scope scope(signature->memory);
      keep(dkim_chunk(signature->handle, octets_of(content), content.size()));
    }
  }

  Result<std::string> finish() override {
    if (!ends_line_) append("\r\n");  // as it will be sent (RFC 5321 §4.1.1.4)
    std::string fields;
    for (const auto& signature : signatures_) {
      const DkimMemory::Scope scope(signature->memory);
      keep(dkim_chunk(signature->handle, nullptr, 0));
      if (status_ == DKIM_STAT_OK) keep(dkim_eom(signature->handle, nullptr));
      unsigned char* value = nullptr;
      std::size_t length = 0;
      if (status_ == DKIM_STAT_OK) keep(dkim_getsighdr_d(signature->handle, kFieldName.size(), &value, &length));
      if (status_ != DKIM_STAT_OK) return not_signed(status_);
      fields.append(kFieldName).append(value, value + length).append("\r\n");
    }
    return fields;
  }

 private:
  void keep(DKIM_STAT status) {
    if (status_ == DKIM_STAT_OK) status_ = status;
  }

  std::vector<std::unique_ptr<Signature>> signatures_;
  bool ends_line_ = true;
  DKIM_STAT status_ = DKIM_STAT_OK;  // the first failure
};

// The one domain that the author's addresses are of.
std::optional<std::string> author_domain(const mime::HeaderScan& header) {
  if (header.count("From") != 1) return std::nullopt;
  const mime::FromField from = mime::read_from_field(header.find("From")->value);
  if (from.fault) return std::nullopt;
  std::string domain = normalised_domain(from.authors.front().domain);
  const auto is_of_it = [&](const Mailbox& author) { return normalised_domain(author.domain) == domain; };
  const bool is_one = std::ranges::all_of(from.authors, is_of_it);
  return is_one ? std::optional(std::move(domain)) : std::nullopt;
}

}  // namespace

struct DkimSigner::Library {
  DKIM_LIB* handle = nullptr;

  Library() : handle(dkim_init(&DkimMemory::allocate, &DkimMemory::release)) {}
  ~Library() {
    if (handle != nullptr) dkim_close(handle);
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  template <std::size_t N>
  bool set_fields(dkim_opts_t option, std::array<const char*, N> names) {
    return dkim_options(handle, DKIM_OP_SETOPT, option, names.data(), sizeof(names.data())) == DKIM_STAT_OK;
  }
};

DkimSigner::DkimSigner(FindDomain find_domain, std::unique_ptr<Library> library)
    : find_domain_(std::move(find_domain)), library_(std::move(library)) {}

DkimSigner::~DkimSigner() = default;

Result<std::unique_ptr<DkimSigner>> DkimSigner::create(FindDomain find_domain) {
  auto library = std::make_unique<Library>();
  if (library->handle == nullptr || !library->set_fields(DKIM_OPTS_SIGNHDRS, kSignedFields) ||
      !library->set_fields(DKIM_OPTS_OVERSIGNHDRS, kSealedFields)) {
    return Error(ErrorCode::IoError, "libopendkim cannot be set up");
  }
  return std::unique_ptr<DkimSigner>(new DkimSigner(std::move(find_domain), std::move(library)));
}

// Of a domain that this account has not verified.
Result<void> DkimSigner::check_not_elsewhere(const std::string& name) const {
  auto owner = find_domain_(store::kVerifiedOwner, name);
  if (!owner) return owner.error();
  if (!*owner) return {};
  wipe_private_keys(**owner);
  return Error(ErrorCode::Conflict, "another account has verified " + name + " and signs for it");
}

Result<std::unique_ptr<ContentSigner>> DkimSigner::open(const AccountId& account, const mime::HeaderScan& header) const {
  const auto name = author_domain(header);
  if (!name) return std::unique_ptr<ContentSigner>();
  auto domain = find_domain_(account, *name);
  if (!domain) return domain.error();
  if (!*domain || (*domain)->state != store::DomainState::Verified) {
    if (*domain) wipe_private_keys(**domain);
    if (Result<void> free = check_not_elsewhere(*name); !free) return free.error();
    return std::unique_ptr<ContentSigner>();
  }
  auto signer = std::make_unique<DkimContentSigner>();
  DKIM_STAT status = DKIM_STAT_OK;
  std::size_t count = 0;
  for (const store::DkimKey& key : (*domain)->dkim_keys) {
    if (key.state != store::DkimKeyState::Signs || status != DKIM_STAT_OK || count == kMaxSignatures) continue;
    status = signer->add(library_->handle, key, (*domain)->name);
    ++count;
  }
  wipe_private_keys(**domain);
  if (status != DKIM_STAT_OK) return not_signed(status);
  if (count == 0) return std::unique_ptr<ContentSigner>();
  return std::unique_ptr<ContentSigner>(std::move(signer));
}

}  // namespace postern::domains
