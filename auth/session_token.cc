#include "auth/session_token.h"

#include "auth/sha256.h"
#include "core/base64.h"
#include "core/bytes.h"
#include "core/check.h"
#include "core/descriptor.h"
#include "core/log.h"
#include "core/time_format.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <fcntl.h>
#include <jwt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <mutex>
#include <optional>
#include <vector>

namespace postern::auth {
namespace {

constexpr std::size_t kKeyOctets = 32;           // RFC 7518 §3.2: at least the hash's length
constexpr std::size_t kKeyIdOctets = 5;
constexpr std::size_t kTokenIdOctets = 10;
constexpr std::size_t kMarkOctets = 10;          // told apart from other passwords of one user, which nobody chooses by it
constexpr std::size_t kMaxTokenOctets = 1024;    // ours have some 300; nothing longer is parsed
constexpr std::size_t kMaxKeyFileOctets = 1024;  // two lines of some 80
constexpr std::size_t kKeptKeys = 2;             // the one that signs, then its predecessor
constexpr Duration kClockSlack = std::chrono::minutes(5);  // by so much the clock may have been set back since a token was issued

struct SigningKey {
  std::string id;
  Instant created;
  Secret octets;
  std::string header;  // the first part of every token that it signs, encoded
};

struct JwtDeleter {
  void operator()(jwt_t* jwt) const { jwt_free(jwt); }
};
using Jwt = std::unique_ptr<jwt_t, JwtDeleter>;

const unsigned char* key_data(const SigningKey& key) {
  return reinterpret_cast<const unsigned char*>(key.octets.reveal().data());  // libjwt takes octets
}

std::string random_text(Random& random, std::size_t count) {
  std::array<std::uint8_t, 16> octets{};
  POSTERN_CHECK(count <= octets.size());
  random.fill(std::span(octets).first(count));
  return format_base32hex(std::span(octets).first(count));
}

// libjwt fails only for want of memory here.
Jwt make_jwt(const SigningKey& key) {
  jwt_t* raw = nullptr;
  POSTERN_CHECK(jwt_new(&raw) == 0);
  Jwt jwt(raw);
  POSTERN_CHECK(jwt_add_header(raw, "kid", key.id.c_str()) == 0);
  POSTERN_CHECK(jwt_set_alg(raw, JWT_ALG_HS256, key_data(key), static_cast<int>(kKeyOctets)) == 0);
  return jwt;
}

Secret encode_jwt(const Jwt& jwt) {
  char* text = jwt_encode_str(jwt.get());
  POSTERN_CHECK(text != nullptr);
  Secret token{std::string(text)};
  ::explicit_bzero(text, ::strlen(text));
  ::free(text);
  return token;
}

SigningKey make_key(std::string id, Instant created, Secret octets) {
  SigningKey key{std::move(id), created, std::move(octets), {}};
  const Secret probe = encode_jwt(make_jwt(key));
  const std::string_view text = probe.reveal();  // its header says no secret
  key.header = text.substr(0, text.find('.'));
  return key;
}

SigningKey generate_key(Instant now, Random& random) {
  std::string octets(kKeyOctets, '\0');
  random.fill({reinterpret_cast<std::uint8_t*>(octets.data()), octets.size()});
  Secret secret(octets);
  wipe_string(octets);
  return make_key(random_text(random, kKeyIdOctets), now, std::move(secret));
}

Error file_error(std::string_view what, const std::filesystem::path& file) {
  return Error(ErrorCode::IoError, std::string(what) + ' ' + file.string() + ": " + ::strerror(errno));
}

// The key of one stretch of `key_lifetime`, whoever makes it.
SigningKey derive_key(const Secret& secret, std::int64_t stretch, Duration key_lifetime) {
  const std::string id = std::to_string(stretch);
  std::string octets(kKeyOctets, '\0');
  unsigned length = 0;
  const std::string_view shared = secret.reveal();  // it is what the keys are made from
  const auto* const text = reinterpret_cast<const unsigned char*>(id.data());
  POSTERN_CHECK(HMAC(EVP_sha256(), shared.data(), static_cast<int>(shared.size()), text, id.size(),
                     reinterpret_cast<unsigned char*>(octets.data()), &length) != nullptr);
  Secret key(octets);
  wipe_string(octets);
  return make_key(id, Instant(key_lifetime * stretch), std::move(key));
}

// One key a line: its id, when it was made, its octets in base64. The first one signs.
std::string format_keys(const std::vector<SigningKey>& keys) {
  std::string text;
  for (const SigningKey& key : keys) {
    std::string octets = encode_base64(key.octets.reveal());  // this file is where it is kept
    text += key.id + ' ' + format_rfc3339(key.created) + ' ' + octets + '\n';
    wipe_string(octets);
  }
  return text;
}

std::optional<SigningKey> parse_key(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t second = line.find(' ', first + 1);
  if (first == 0 || first == std::string_view::npos || second == std::string_view::npos) return std::nullopt;
  const auto created = parse_rfc3339(line.substr(first + 1, second - first - 1));
  auto octets = decode_base64(line.substr(second + 1));
  if (!created || !octets || octets->size() != kKeyOctets) return std::nullopt;
  Secret secret(*octets);
  wipe_string(*octets);
  return make_key(std::string(line.substr(0, first)), *created, std::move(secret));
}

Result<std::vector<SigningKey>> parse_keys(std::string_view text, const std::filesystem::path& file) {
  std::vector<SigningKey> keys;
  while (!text.empty() && keys.size() < kKeptKeys) {
    const std::size_t end = text.find('\n');
    auto key = end == std::string_view::npos ? std::nullopt : parse_key(text.substr(0, end));
    if (!key) return Error(ErrorCode::Malformed, file.string() + " holds no session keys: remove it, and everybody signs in again");
    keys.push_back(std::move(*key));
    text.remove_prefix(end + 1);
  }
  return keys;
}

// Empty where there is no such file.
Result<std::vector<SigningKey>> read_keys(const std::filesystem::path& file) {
  const Descriptor input(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (input.get() < 0 && errno == ENOENT) return std::vector<SigningKey>();
  if (input.get() < 0) return file_error("open", file);
  struct stat status{};
  if (::fstat(input.get(), &status) != 0) return file_error("examine", file);
  if ((status.st_mode & 077U) != 0) {
    return Error(ErrorCode::InvalidArgument, file.string() + " can be read by others than its owner: chmod 600 it, or remove it");
  }
  std::string text(kMaxKeyFileOctets, '\0');
  const ssize_t count = ::read(input.get(), text.data(), text.size());
  if (count < 0) return file_error("read", file);
  auto keys = parse_keys(std::string_view(text).substr(0, static_cast<std::size_t>(count)), file);
  wipe_string(text);
  return keys;
}

// The old file or the new one, whole, whenever the machine stops.
Result<void> write_keys(const std::filesystem::path& file, const std::vector<SigningKey>& keys) {
  const std::filesystem::path next = file.string() + ".new";
  ::unlink(next.c_str());
  const Descriptor output(::open(next.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (output.get() < 0) return file_error("create", next);
  std::string text = format_keys(keys);
  const ssize_t written = ::write(output.get(), text.data(), text.size());
  const bool is_whole = written == static_cast<ssize_t>(text.size());
  wipe_string(text);
  if (!is_whole || ::fsync(output.get()) != 0) return file_error("write", next);
  if (::rename(next.c_str(), file.c_str()) != 0) return file_error("rename", next);
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  const Descriptor entry(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (entry.get() < 0 || ::fsync(entry.get()) != 0) return file_error("sync", folder);
  return {};
}

Error no_token() { return Error(ErrorCode::Malformed, "not a session token of this installation"); }

// A claim that is a number; libjwt says 0 for one that is a text.
std::optional<Instant> instant_claim(jwt_t* jwt, const char* name) {
  errno = 0;
  const long seconds = jwt_get_grant_int(jwt, name);
  if (errno != 0 || seconds <= 0) return std::nullopt;
  return Instant(std::chrono::seconds(seconds));
}

std::string_view text_claim(jwt_t* jwt, const char* name) {
  const char* text = jwt_get_grant(jwt, name);
  return text == nullptr ? std::string_view() : std::string_view(text);
}

class JwtSessionTokens final : public SessionTokens {
 public:
  JwtSessionTokens(std::filesystem::path file, Duration lifetime, Duration key_lifetime, const Clock& clock, Random& random)
      : file_(std::move(file)), lifetime_(lifetime), key_lifetime_(key_lifetime), clock_(clock), random_(random) {}

  JwtSessionTokens(const Secret& shared, Duration lifetime, Duration key_lifetime, const Clock& clock, Random& random)
      : lifetime_(lifetime), key_lifetime_(key_lifetime), clock_(clock), random_(random), shared_(shared) {}

  Result<void> load() {
    auto keys = read_keys(file_);
    if (!keys) return keys.error();
    keys_ = std::move(*keys);
    return rotate_if_due(clock_.now());
  }

  Secret issue(const store::UserRecord& user) override {
    const Instant now = clock_.now();
    const auto rotated = rotate_if_due(now);
    // The key in force goes on: better an old one than nobody signing in.
    if (!rotated) log::write(log::Level::Error, "session_key_not_rotated", {{"reason", rotated.error().context()}});
    const Jwt jwt = make_jwt(keys().front());
    add_claims(jwt.get(), user, now);
    return encode_jwt(jwt);
  }

  Result<SessionClaims> verify(std::string_view token) const override {
    const auto key = key_for(token);
    if (!key) return no_token();
    const Secret text{std::string(token)};
    jwt_t* raw = nullptr;
    // Terminated: a view of a whole std::string.
    const int status = jwt_decode(&raw, text.reveal().data(), key_data(*key), static_cast<int>(kKeyOctets));
    const Jwt jwt(raw);
    if (status != 0 || jwt_get_alg(raw) != JWT_ALG_HS256 || text_header(raw) != key->id) return no_token();
    return read_claims(raw);
  }

 private:
  static std::string_view text_header(jwt_t* jwt) {
    const char* id = jwt_get_header(jwt, "kid");
    return id == nullptr ? std::string_view() : std::string_view(id);
  }

  void add_claims(jwt_t* jwt, const store::UserRecord& user, Instant now) {
    const auto issued = std::chrono::floor<std::chrono::seconds>(now);
    const auto expires = std::chrono::floor<std::chrono::seconds>(now + lifetime_);
    POSTERN_CHECK(jwt_add_grant(jwt, "sub", format_id(user.id).c_str()) == 0);
    POSTERN_CHECK(jwt_add_grant(jwt, "acc", format_id(user.account).c_str()) == 0);
    POSTERN_CHECK(jwt_add_grant(jwt, "pwm", password_mark(user).c_str()) == 0);
    POSTERN_CHECK(jwt_add_grant_int(jwt, "iat", static_cast<long>(issued.time_since_epoch().count())) == 0);
    POSTERN_CHECK(jwt_add_grant_int(jwt, "exp", static_cast<long>(expires.time_since_epoch().count())) == 0);
    POSTERN_CHECK(jwt_add_grant(jwt, "jti", random_text(random_, kTokenIdOctets).c_str()) == 0);
  }

  Result<SessionClaims> read_claims(jwt_t* jwt) const {
    const auto user = parse_user_id(text_claim(jwt, "sub"));
    const auto account = parse_account_id(text_claim(jwt, "acc"));
    const auto issued = instant_claim(jwt, "iat");
    const auto expires = instant_claim(jwt, "exp");
    if (!user || !account || !issued || !expires || *issued > clock_.now() + kClockSlack) return no_token();
    if (const auto not_before = instant_claim(jwt, "nbf"); not_before && *not_before > clock_.now()) return no_token();
    if (*expires <= clock_.now()) return Error(ErrorCode::DeadlinePassed, "the session has ended");
    return SessionClaims{.user = *user,
                         .account = *account,
                         .expires_at = *expires,
                         .password_mark = std::string(text_claim(jwt, "pwm")),
                         .token_id = std::string(text_claim(jwt, "jti")),
                         .opened_at = *issued};
  }

  // The key whose header, octet for octet, the token begins with: algorithm and key id are settled before anything of the token
  // is parsed, and by us.
  std::optional<SigningKey> key_for(std::string_view token) const {
    if (token.size() > kMaxTokenOctets || token.find('\0') != std::string_view::npos) return std::nullopt;
    const std::string_view header = token.substr(0, token.find('.'));
    const std::lock_guard lock(mutex_);
    make_shared_keys();
    for (const SigningKey& key : keys_) {
      if (key.header == header) return key;
    }
    return std::nullopt;
  }

  std::vector<SigningKey> keys() const {
    const std::lock_guard lock(mutex_);
    make_shared_keys();
    return keys_;
  }

  // Of this stretch of time, the one before, and the one behind for machines whose clock is ahead.
  void make_shared_keys() const {
    if (shared_.empty()) return;
    const std::int64_t stretch = clock_.now().time_since_epoch() / key_lifetime_;
    if (!keys_.empty() && stretch_ == stretch) return;
    stretch_ = stretch;
    keys_.clear();
    for (const std::int64_t which : {stretch, stretch - 1, stretch + 1}) keys_.push_back(derive_key(shared_, which, key_lifetime_));
  }

  // Whoever verifies meanwhile, on a thread that may not wait, does so with the keys in force: they are locked only to be
  // exchanged, not while the file is synced.
  Result<void> rotate_if_due(Instant now) {
    if (!shared_.empty()) return {};
    const std::lock_guard rotating(rotation_mutex_);
    const std::vector<SigningKey> before = keys();
    if (!before.empty() && before.front().created + key_lifetime_ > now) return {};
    std::vector<SigningKey> next{generate_key(now, random_)};
    if (!before.empty()) next.push_back(before.front());
    if (const auto written = write_keys(file_, next); !written) return written.error();
    const std::lock_guard lock(mutex_);
    keys_ = std::move(next);
    return {};
  }

  const std::filesystem::path file_;
  const Duration lifetime_;
  const Duration key_lifetime_;
  const Clock& clock_;
  Random& random_;
  std::mutex rotation_mutex_;     // of the file
  mutable std::mutex mutex_;      // of what follows; never held over a system call
  mutable std::vector<SigningKey> keys_;  // never empty after load()
  mutable std::int64_t stretch_ = 0;      // of shared keys
  const Secret shared_;                   // empty: the keys are those of the file
};

}  // namespace

// The hash has a random salt of its own.
std::string password_mark(const store::UserRecord& user) {
  Sha256 hash;
  hash.update_field(user.password_hash);
  const Sha256Digest digest = hash.finish();
  return format_base32hex(std::span(digest).first(kMarkOctets));
}

void end_session(store::UserRecord& user, const SessionClaims& session, Instant now) {
  std::erase_if(user.ended_sessions, [now](const store::EndedSession& ended) { return ended.expires_at <= now; });
  if (user.ended_sessions.size() >= kMaxEndedSessions) {
    user.sessions_from = std::chrono::floor<std::chrono::seconds>(now);
    user.ended_sessions.clear();
  }
  user.ended_sessions.push_back({session.token_id, session.expires_at});
}

bool is_session_of(const SessionClaims& claims, const store::UserRecord& user) {
  if (claims.user != user.id || claims.account != user.account || claims.password_mark != password_mark(user)) return false;
  if (user.sessions_from && claims.opened_at < *user.sessions_from) return false;
  return std::ranges::none_of(user.ended_sessions,
                              [&](const store::EndedSession& ended) { return ended.token_id == claims.token_id; });
}

Result<std::unique_ptr<SessionTokens>> SessionTokens::open(const std::filesystem::path& file, Duration lifetime,
                                                           Duration key_lifetime, const Clock& clock, Random& random) {
  auto tokens = std::make_unique<JwtSessionTokens>(file, lifetime, key_lifetime, clock, random);
  if (const auto loaded = tokens->load(); !loaded) return loaded.error();
  return std::unique_ptr<SessionTokens>(std::move(tokens));
}

Result<std::unique_ptr<SessionTokens>> SessionTokens::open_shared(const Secret& secret, Duration lifetime, Duration key_lifetime,
                                                                  const Clock& clock, Random& random) {
  return std::unique_ptr<SessionTokens>(std::make_unique<JwtSessionTokens>(secret, lifetime, key_lifetime, clock, random));
}

}  // namespace postern::auth
