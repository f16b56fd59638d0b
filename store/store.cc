// Opening both environments, the server's lock, and the functions that records need from here: lanes.
#include "store/store.h"

#include "store/environment.h"
#include "store/schema.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace postern::store {
namespace {

// Address space, not disk; docs/decisions/0002-map-size.md.
constexpr std::size_t kDirectoryMapOctets = std::size_t{16} << 30;
constexpr std::size_t kSpoolMapOctets = std::size_t{256} << 30;
constexpr std::size_t kMapStepOctets = std::size_t{1} << 30;

std::size_t spool_map_octets(const SpoolLimits& limits) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 46;  // half of what x86-64 gives a process
  const std::uint64_t wanted = std::min(limits.max_octets, kMost / 2) * 2;
  return std::max(kSpoolMapOctets, (wanted + kMapStepOctets - 1) / kMapStepOctets * kMapStepOctets);
}

std::filesystem::path parent_of(const std::filesystem::path& folder) {
  std::error_code ignored;
  const std::filesystem::path whole = std::filesystem::absolute(folder, ignored).lexically_normal();
  return whole.has_filename() ? whole.parent_path() : whole.parent_path().parent_path();
}

// With the folders above it; each survives a power failure.
Result<void> make_folder(const std::filesystem::path& folder, mode_t mode) {
  if (::mkdir(folder.c_str(), mode) == 0) return sync_folder(parent_of(folder));
  if (errno == EEXIST) return {};
  if (errno != ENOENT) return lmdb_error(errno, "make " + folder.string());
  if (Result<void> made = make_folder(parent_of(folder), 0777); !made) return made;
  if (::mkdir(folder.c_str(), mode) != 0 && errno != EEXIST) return lmdb_error(errno, "make " + folder.string());
  return sync_folder(parent_of(folder));
}

}  // namespace

// An advisory lock on folder/serve.lock; the kernel drops it with the process, however that ends.
class Store::Lock {
 public:
  static Result<std::unique_ptr<Lock>> take(const std::filesystem::path& folder) {
    const std::string path = (folder / "serve.lock").string();
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return lmdb_error(errno, "open " + path);
    std::unique_ptr<Lock> lock(new Lock(fd));
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return lock;
    if (errno == EWOULDBLOCK) return Error(ErrorCode::Conflict, "another postern serve holds " + folder.string());
    return lmdb_error(errno, "lock " + path);
  }
  ~Lock() { ::close(fd_); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  explicit Lock(int fd) : fd_(fd) {}
  int fd_;
};

Result<std::unique_ptr<Store>> Store::open(const StoreOptions& options) {
  if (Result<void> made = make_folder(options.folder, 0700); !made) return made.error();
  std::unique_ptr<Store> store(new Store);
  if (options.runs_recovery) {
    Result<std::unique_ptr<Lock>> lock = Lock::take(options.folder);
    if (!lock) return lock.error();
    store->lock_ = std::move(*lock);
  }
  Result<std::unique_ptr<LmdbEnvironment>> directory = LmdbEnvironment::open(
      {.folder = options.folder / "directory", .map_octets = kDirectoryMapOctets, .tables = kDirectoryTables});
  if (!directory) return directory.error();
  Result<std::unique_ptr<LmdbEnvironment>> spool = LmdbEnvironment::open(
      {.folder = options.folder / "spool", .map_octets = spool_map_octets(options.spool), .tables = kSpoolTables});
  if (!spool) return spool.error();
  store->directory_ = std::make_unique<Directory>(std::move(*directory), options.stall_after);
  store->spool_ = std::make_unique<Spool>(std::move(*spool), options.spool, options.stall_after);
  if (options.runs_recovery) {
    if (Result<std::size_t> recovered = store->spool_->recover(); !recovered) return recovered.error();
  }
  return store;
}

Result<void> Store::back_up(const std::filesystem::path& folder) const {
  if (::mkdir(folder.c_str(), 0700) != 0) {
    if (errno == EEXIST) return Error(ErrorCode::AlreadyExists, folder.string() + " is there already: name a folder that is not");
    return lmdb_error(errno, "make " + folder.string());
  }
  // The spool first: what its messages refer to is in the directory by then.
  Result<void> copied = spool_->copy_to(folder / "spool");
  if (copied) copied = directory_->copy_to(folder / "directory");
  if (copied) copied = sync_folder(parent_of(folder));
  if (!copied) {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
  return copied;
}

Result<Compaction> Store::compact(const std::filesystem::path& folder) {
  Result<std::unique_ptr<Lock>> lock = Lock::take(folder);
  if (!lock) return lock.error();
  Compaction all;
  for (const char* environment : {"directory", "spool"}) {
    Result<Compaction> one = compact_environment(folder / environment);
    if (!one) return one.error();
    all.octets_before += one->octets_before;
    all.octets_after += one->octets_after;
  }
  return all;
}

Store::~Store() = default;

// FNV-1a: stored in the due index, so it never changes.
std::uint64_t lane_of(std::string_view normalised_domain) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char octet : normalised_domain) {
    hash = (hash ^ static_cast<unsigned char>(octet)) * 0x100000001b3ULL;
  }
  return hash == kMixedLane ? 1 : hash;
}

std::uint64_t lane_of_pending(const MessageRecord& message, const DeliveryRecord& delivery) {
  if (message.environment == postern::Environment::Test) return kMixedLane;
  std::optional<std::string> common;
  for (std::size_t i = 0; i < delivery.recipients.size(); ++i) {
    if (delivery.recipients[i].stage != RecipientStage::Pending) continue;
    std::string domain = normalised_domain(message.envelope.recipients[i].mailbox.domain);
    if (common && *common != domain) return kMixedLane;
    common = std::move(domain);
  }
  return common ? lane_of(*common) : kMixedLane;
}

}  // namespace postern::store
