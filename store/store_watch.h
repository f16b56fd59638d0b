// StoreWatch: looks at the store once a second, on a thread that waits for no write, and says what an operator has to know: that no
// commit ends, and who holds the lock; that a process which reads an old state keeps the spool from using its free pages again. It
// also looks at the room there is, so that no I/O thread has to.
#pragma once

#include "store/store.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>

namespace postern::store {

// A backup to a fast disk ends within it. One that is stopped, or writes to what does not answer, would stay for ever.
inline constexpr std::chrono::seconds kReaderPatience{30};

class StoreWatch {
 public:
  // `store` outlives this; its spool may grow to `max_octets`. Mail that is refused for a reader's sake is refused for
  // `reader_patience`; then the reader is sent away.
  StoreWatch(Store& store, std::int64_t max_octets, std::chrono::seconds reader_patience = kReaderPatience)
      : store_(store), max_octets_(max_octets), reader_patience_(reader_patience) {}
  // Calls stop().
  ~StoreWatch() { stop(); }
  StoreWatch(const StoreWatch&) = delete;
  StoreWatch& operator=(const StoreWatch&) = delete;

  void start();
  void stop();

  // One look, as the thread does it.
  void look();

 private:
  struct Environment {
    std::string_view name;
    std::optional<Stall> stall;  // as of the last look
  };
  void run();
  void measure() const;
  void search_oldest();
  void note_stall(Environment& environment, const std::optional<Stall>& stall);
  void note_reader(const SpoolSpace& space);

  Store& store_;
  const std::int64_t max_octets_;
  const std::chrono::seconds reader_patience_;
  Environment spool_{.name = "spool", .stall = {}};
  Environment directory_{.name = "directory", .stall = {}};
  std::optional<std::chrono::steady_clock::time_point> pinned_since_;  // mail is refused for a reader's sake
  bool is_reader_named_ = false;
  std::optional<int> sent_away_;
  std::optional<DueEntry> searched_;  // how far the search for the oldest queued message has come
  std::optional<Instant> oldest_;            // of what it has seen
  std::mutex mutex_;
  std::condition_variable wakes_;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace postern::store
