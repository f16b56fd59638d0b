// Letters that wait on this machine because the relay could not take them: a folder for each user, with a file for each letter.
// Files are whole or absent, also after a power failure; nothing in a folder that others may write to is believed.
#pragma once

#include "core/clock.h"
#include "core/descriptor.h"
#include "core/result.h"
#include "sendmail/letter.h"

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace postern::sendmail {

// Of one user. A relay that is away for a night must not fill a disk.
inline constexpr std::size_t kMaxKeptLetters = 1'000;
inline constexpr std::uint64_t kMaxKeptOctets = 256ULL * 1024 * 1024;
// As long as the relay itself tries (queue_lifetime_hours).
inline constexpr std::chrono::hours kWaitsFor{24 * 5};
// Since it was written: what was refused is kept for people to read.
inline constexpr std::chrono::hours kRefusedFor{24 * 14};

class Outbox {
 public:
  struct Entry {
    std::string id;
    std::uint64_t octets = 0;
    Instant written_at{};
    bool is_refused = false;  // for good: it is not sent again
  };

  // The folder of the user who runs this, below `spool`; made, with mode 0700, where it is not there. Conflict: it is somebody
  // else's, or others may read it.
  static Result<Outbox> open(const std::filesystem::path& spool);

  // LimitExceeded: as many wait as may.
  Result<void> keep(const Letter& letter);
  // In place of what is kept under its id.
  Result<void> replace(const Letter& letter);
  // By age; files that are none of ours are passed over.
  std::vector<Entry> list() const;
  Result<Letter> load(const std::string& id) const;
  Result<void> remove(const std::string& id);
  // `why` is written beside it, for people.
  Result<void> refuse(const std::string& id, const std::string& why);
  // What was refused long ago.
  void forget_refused(Instant now);

  // Whether nobody else sends what waits here; until this ends.
  bool lock();

  const std::filesystem::path& folder() const { return folder_; }

 private:
  explicit Outbox(std::filesystem::path folder) : folder_(std::move(folder)) {}
  Result<void> write(const Letter& letter);
  std::filesystem::path file_of(const std::string& id) const { return folder_ / (id + ".letter"); }
  std::filesystem::path refused_file_of(const std::string& id) const { return folder_ / (id + ".refused"); }

  std::filesystem::path folder_;
  Descriptor lock_;
};

// A letter as it stands in its file, and back. Malformed.
std::string encode_letter(const Letter& letter);
Result<Letter> decode_letter(const std::string& id, std::string_view text);

}  // namespace postern::sendmail
