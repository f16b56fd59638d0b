// Any octets into the server session, whole and split: the same replies, questions and end, on every split. The first octet of
// the input chooses the listener, the split and how the questions are answered.
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/session_player.h"

namespace postern::fuzz {

POSTERN_FUZZ(session) {
  if (input.empty()) return;
  const std::uint8_t choice = take_octet(input);
  const smtp::Config config = listener_from(choice);
  const std::size_t every = (choice >> 2) & 7U;
  const std::size_t piece = 1 + (choice >> 5);
  // What comes behind STARTTLS is lost with its read, so only one split shows the same.
  const SessionRun split = SessionPlayer(config, {std::string(input)}, piece, every).play();
  if (split.steps.find('b') != std::string::npos) return;
  const SessionRun whole = SessionPlayer(config, {std::string(input)}, input.size(), every).play();
  POSTERN_CHECK(whole.steps == split.steps);
}

}  // namespace postern::fuzz
