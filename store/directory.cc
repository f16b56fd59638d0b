// The directory: each read is one read transaction, each change one nested transaction on the commit thread, so that a change
// that fails half way takes nothing of its batch with it.
#include "store/directory.h"

#include "lmdb/commit_queue.h"
#include "store/directory_index.h"
#include "store/examination.h"
#include "store/leftovers.h"
#include "store/replica.h"
#include "store/suppression_fold.h"

namespace postern::store {
namespace {

using lmdb::WriteSet;

// What came of a change that was tried here.
enum class Trial { Done, NotOurs };  // NotOurs: rolled back, since it touches what all nodes of a cluster share

// A change in a transaction of its own, inside the commit's.
Result<Trial> try_change(const DirectoryChange& change, const Actor& actor, bool has_log, WriteTransaction& parent) {
  WriteTransaction transaction(parent.environment());
  if (int code = parent.note(transaction.begin(&parent)); code != 0) return lmdb_error(code, "begin a change");
  const bool is_recorded = has_log || is_member(transaction);
  WriteSet rows;
  if (is_recorded) transaction.record_in(rows);
  DirectoryWriter writer(transaction, actor);
  Result<void> changed = change(writer);
  if (parent.note(transaction.broken()) != 0) return lmdb_error(transaction.broken(), "write the directory");
  // What fails over this copy may succeed over the latest.
  if (has_log && (!changed || !shared_rows(rows).empty())) return Trial::NotOurs;
  if (!changed) return changed.error();
  if (is_recorded && !shared_rows(rows).empty()) {
    return Error(ErrorCode::Conflict, "this store belongs to a cluster, and this process was started without it");
  }
  if (int code = parent.note_write(transaction.commit()); code != 0) return lmdb_error(code, "end a change");
  return Trial::Done;
}

class ChangeRequest final : public lmdb::CommitRequest {
 public:
  ChangeRequest(DirectoryChange change, DirectoryLog* log, Completion done)
      : change_(std::move(change)), actor_(current_actor()), log_(log), done_(std::move(done)) {}
  Result<void> apply(WriteTransaction& transaction) override {
    const Result<Trial> tried = try_change(change_, actor_, log_ != nullptr, transaction);
    is_ours_ = !tried || *tried == Trial::Done;
    return tried ? Result<void>() : tried.error();
  }
  void complete(Result<void> outcome) override {
    if (!outcome || is_ours_) return done_(std::move(outcome));
    log_->write_later(std::move(change_), actor_, std::move(done_));
  }

 private:
  DirectoryChange change_;
  const Actor actor_;
  DirectoryLog* const log_;
  Completion done_;
  bool is_ours_ = true;
};

}  // namespace

class Directory::Impl {
 public:
  Impl(std::unique_ptr<LmdbEnvironment> environment, std::chrono::milliseconds stall_after)
      : environment_(std::move(environment)), queue_(*environment_, nullptr, stall_after) {}

  const LmdbEnvironment& environment() const { return *environment_; }
  lmdb::CommitQueue& queue() { return queue_; }
  const lmdb::CommitQueue& queue() const { return queue_; }

 private:
  std::unique_ptr<LmdbEnvironment> environment_;
  lmdb::CommitQueue queue_;
};

DirectoryWriter::DirectoryWriter(WriteTransaction& transaction, Actor actor)
    : DirectoryReads(transaction.environment(), &transaction), transaction_(transaction), actor_(std::move(actor)) {}

Directory::Directory(std::unique_ptr<LmdbEnvironment> environment, std::chrono::milliseconds stall_after)
    : DirectoryReads(*environment), impl_(std::make_unique<Impl>(std::move(environment), stall_after)) {}
Directory::~Directory() = default;

void Directory::start() { impl_->queue().start(); }
std::optional<Stall> Directory::stall() const { return impl_->queue().stall(); }

Result<std::vector<std::string>> Directory::examine() const {
  return look([](Transaction& transaction) {
    return Result<std::vector<std::string>>(examine_all(transaction, directory_examination_steps(), examine_directory));
  });
}

Result<void> Directory::examine(std::size_t step, const ReportFinding& report) const {
  return look([&](Transaction& transaction) -> Result<void> {
    examine_directory(transaction, step, report);
    return {};
  });
}

Result<bool> Directory::remove_leftovers() {
  const auto ask = [](Transaction& transaction) { return has_leftovers(transaction); };
  Result<bool> has_some = look(ask);
  if (!has_some || !*has_some) return has_some;
  const Result<void> erased = write([](DirectoryWriter& writer) { return writer.remove_leftovers(); });
  if (!erased) return erased.error();
  return look(ask);
}

void Directory::drop_dead_readers() const { impl_->environment().drop_dead_readers(); }

Result<void> Directory::upgrade() {
  Result<bool> folded = look([](Transaction& transaction) { return are_suppressions_folded(transaction); });
  if (!folded) return folded.error();
  if (*folded) return {};
  return impl_->queue().run([](WriteTransaction& transaction) { return fold_suppressions(transaction); });
}

Result<void> Directory::copy_to(const std::filesystem::path& folder) const { return impl_->environment().copy_to(folder); }

Result<void> Directory::run(std::function<Result<void>(WriteTransaction&)> step) { return impl_->queue().run(std::move(step)); }

Result<void> Directory::write(const DirectoryChange& change) {
  const Actor& actor = current_actor();
  Trial trial = Trial::Done;
  const Result<void> written = run([&](WriteTransaction& transaction) -> Result<void> {
    const Result<Trial> tried = try_change(change, actor, log_ != nullptr, transaction);
    if (!tried) return tried.error();
    trial = *tried;
    return {};
  });
  if (!written || trial == Trial::Done) return written;
  return log_->write(change, actor);
}

void Directory::write_later(DirectoryChange change, Completion done) {
  impl_->queue().submit(std::make_unique<ChangeRequest>(std::move(change), log_, std::move(done)), lmdb::Urgency::Commits,
                        lmdb::Admission::Bounded);
}

}  // namespace postern::store
