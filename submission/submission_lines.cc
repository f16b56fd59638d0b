// Mending of long lines at the end of data: what was stored so far is read back twice (see mime/long_lines.h) and written anew
// under a new id; what it was before is abandoned.
#include "net/await_completion.h"
#include "submission/submission.h"

#include "core/bytes.h"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <utility>

namespace postern::submission {
namespace {

// Reads what a writer has taken, its first `skip` octets left out; the writer is flushed.
class WrittenContent {
 public:
  WrittenContent(const store::Spool& spool, const store::MessageWriter& writer, std::size_t skip)
      : spool_(spool), writer_(writer), skip_(skip) {}

  bool is_over() const { return index_ > writer_.streamed_chunks(); }
  Result<std::string> next() {
    const std::uint32_t index = index_++;
    Result<std::string> chunk = index < writer_.streamed_chunks() ? spool_.read_chunk(writer_.id(), index)
                                                                  : Result<std::string>(std::string(writer_.held()));
    if (!chunk) return chunk;
    const std::size_t skipped = std::min(skip_, chunk->size());
    skip_ -= skipped;
    chunk->erase(0, skipped);
    return chunk;
  }

 private:
  const store::Spool& spool_;
  const store::MessageWriter& writer_;
  std::size_t skip_;
  std::uint32_t index_ = 0;
};

}  // namespace

net::Awaitable<Result<void>> Submission::mend_long_lines() {
  std::unique_ptr<store::MessageWriter> as_it_came = std::move(writer_);
  store::MessageWriter* const written = as_it_came.get();
  const Result<void> flushed = co_await net::await_completion([written](Completion done) { written->flush(std::move(done)); });
  if (!flushed) co_return flushed.error();
  // A turn for others after each chunk: this is work on an I/O thread.
  const net::Executor executor = co_await net::asio::this_coro::executor;
  mime::LineMender mender;
  std::string nothing;
  for (WrittenContent content(context_.store.spool(), *written, trace_octets_); !content.is_over();) {
    const Result<std::string> chunk = content.next();
    if (!chunk) co_return chunk.error();
    mender.feed(*chunk, nothing);
    co_await net::asio::post(executor, net::kAwait);
  }
  mender.finish(nothing);
  if (!mender.is_needed()) {
    writer_ = std::move(as_it_came);
    co_return Result<void>();
  }
  const std::size_t skip = trace_octets_ + header_octets_;
  writer_ = context_.store.spool().open_message(make_message_id(opened_at_, context_.random), principal_.account);
  mender.begin_writing();
  const Result<void> rewritten = co_await rewrite(*written, skip, mender);
  co_return rewritten;
}

net::Awaitable<Result<void>> Submission::rewrite(const store::MessageWriter& as_it_came, std::size_t skip,
                                                 mime::LineMender& mender) {
  const net::Executor executor = co_await net::asio::this_coro::executor;
  signing_.reset();
  const std::string fixed = begin_writer();
  begin_signing();
  is_eight_bit_ = false;
  std::string out;
  mender.feed(fixed, out);
  WrittenContent content(context_.store.spool(), as_it_came, skip);
  while (true) {
    is_eight_bit_ = is_eight_bit_ || has_high_octet(out);
    const bool has_room = put(out);
    if (!has_room) co_await drain();
    out.clear();
    if (content.is_over()) break;
    const Result<std::string> chunk = content.next();
    if (!chunk) co_return chunk.error();
    mender.feed(*chunk, out);
    if (content.is_over()) mender.finish(out);
    co_await net::asio::post(executor, net::kAwait);
  }
  warnings_.emplace_back("lines above 998 octets were encoded");
  co_return Result<void>();
}

}  // namespace postern::submission
