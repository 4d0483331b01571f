#pragma once
// Every limit of every queue, table, message and retry, in one place but for those of flow control frames (wire/flow_control.hpp).

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "p2pdist/base/time.hpp"

namespace p2pdist::limits {

using namespace std::chrono_literals;

// base
inline constexpr std::size_t content_id_bytes_max = 128;

// datagrams
inline constexpr std::size_t datagram_bytes_max = 1200;  ///< UDP payload of every datagram we send
inline constexpr std::size_t datagram_bytes_receive_max = 65535;  ///< what a socket may hand us

// content
inline constexpr std::uint64_t content_bytes_max = std::uint64_t{1} << 44;  ///< 16 TiB: 2^26 chunks, a chunk set of 8 MiB
inline constexpr std::size_t store_requests_max = 4096;  ///< requests that a store holds unanswered; more, but for store_close: errc::limit_reached
inline constexpr std::size_t store_write_bytes_max = 32u << 20;  ///< bytes of unanswered writes; more: errc::limit_reached
inline constexpr std::size_t store_append_bytes_max = 1u << 20;  ///< one store_append
inline constexpr std::size_t store_commit_bytes_max = 8u << 20;  ///< bytes of writes that share one sync to disk
inline constexpr std::chrono::milliseconds store_commit_delay_max = 20ms;  ///< how long a write waits for others to share its sync

// office
inline constexpr std::size_t office_name_bytes_max = 128;
inline constexpr std::size_t office_description_bytes_max = 1024;
inline constexpr std::size_t spreadsheet_bytes_max = 16u << 20;  ///< of a topology's CSV text
inline constexpr std::size_t spreadsheet_rows_max = 100'000;     ///< the header and blank rows included
inline constexpr std::size_t detected_offices_max = 10'000;      ///< offices of a detected topology, the central one included

// envelope
inline constexpr std::size_t envelope_peers_max = 4096;              ///< peers remembered by a client; the server is given more
inline constexpr std::size_t envelope_output_datagrams_max = 16'384; ///< datagrams and events that wait for poll()
inline constexpr std::size_t session_handshakes_max = 1024;          ///< sessions that a node is making at one time
inline constexpr std::size_t session_kept_payloads_max = 16;         ///< payloads that wait for one session
inline constexpr std::size_t sessions_confirmed_max = 4;             ///< of one peer; the least recently used goes
inline constexpr std::size_t sessions_pending_max = 4;               ///< of one peer: answered hellos without a frame yet
inline constexpr std::chrono::seconds session_pending_time = 20s;    ///< a younger one makes room only for a hello with a cookie
inline constexpr std::uint32_t session_hellos_of_peer_max = 4;       ///< of one known peer answered a second; as many again with a cookie
inline constexpr std::uint32_t session_notices_of_peer_max = 4;      ///< session_unknown and session_moved to one known peer, a second
inline constexpr int session_cookies_max = 2;                        ///< heeded between two hellos of the timer: who hears one can send cookies
inline constexpr std::chrono::seconds session_cookie_time = 60s;     ///< a cookie is good for the rest of such a period and all of the next
inline constexpr int session_attempts_max = 6;                       ///< hellos before a peer counts as unreachable
inline constexpr std::chrono::milliseconds session_retry_first = 300ms;  ///< doubled for each further hello, up to session_retry_max
inline constexpr std::chrono::milliseconds session_retry_max = 4s;
inline constexpr std::chrono::milliseconds session_hold_off = 2s;    ///< after a failed handshake nothing is tried for so long
inline constexpr std::chrono::milliseconds session_renew_gap = 1s;   ///< between two hellos caused by session_unknown
inline constexpr std::chrono::milliseconds session_silence = 5s;     ///< a peer silent for so long after session_silent_frames of ours
inline constexpr std::uint32_t session_silent_frames = 4;            ///<   is greeted anew
inline constexpr std::uint32_t session_frames_max = 1u << 30;        ///< frames under one session before it is renewed
inline constexpr std::size_t replay_window_frames = 1024;
inline constexpr std::uint32_t handshake_checks_per_second = 2000;   ///< openings of strangers that are checked (signature and key agreement)
inline constexpr std::uint32_t handshake_checks_per_network = 500;   ///<   of those from one IPv4 /24 or IPv6 /48
inline constexpr std::uint32_t handshake_checks_per_address = 200;   ///<   of those from one IPv4 address or IPv6 /64
inline constexpr std::uint32_t session_hellos_per_second = 1000;     ///< without a cookie: strangers' checked, known peers' answered (each)
inline constexpr std::uint32_t session_proven_per_second = 1000;     ///< strangers' with a cookie checked
inline constexpr std::uint32_t session_notices_per_second = 2000;    ///< session_unknown and session_moved to known peers: a tag each
inline constexpr std::uint32_t session_replies_per_second = 100'000; ///< cookies and welcomes once more: cheap, no flood may use them up
inline constexpr std::uint32_t session_replies_per_network = 2000;
inline constexpr std::uint32_t session_replies_per_address = 1000;
inline constexpr std::uint32_t handshake_answers_per_second = 200;   ///< version_refused and the like
inline constexpr std::uint32_t handshake_answers_per_network = 100;
inline constexpr std::uint32_t handshake_answers_per_address = 50;
inline constexpr std::size_t rate_sources = 128;                     ///< buckets in a row of the table that tells sources apart
inline constexpr std::size_t server_rate_sources = 4096;             ///< the same on the server
inline constexpr int certificate_checks_of_peer_max = 4;             ///< new certificates of one known peer at once; one more each second

// broadcast
inline constexpr std::size_t broadcast_questions_max = 16;           ///< own requests that still take answers
inline constexpr std::size_t broadcast_answers_max = 1024;           ///< members that are heard for one request
inline constexpr std::chrono::milliseconds broadcast_answer_time = 10s;
inline constexpr std::size_t broadcast_nonces_max = 8192;            ///< others' requests that are remembered against replays
inline constexpr std::size_t broadcast_requests_of_member_max = 256; ///< of those, from one member: it asks for a content every 10 s, for 200 at most
inline constexpr std::uint32_t broadcast_requests_per_address = 10;  ///< requests of members whose signature is checked
inline constexpr std::uint32_t broadcast_requests_per_second = 500;
inline constexpr std::chrono::seconds broadcast_clock_skew = 300s;   ///< between the wall clocks of asker and answerer

// enrolment
inline constexpr std::size_t enrolment_opaque_bytes_max = 600;       ///< client info and grant
inline constexpr std::size_t enrolment_reason_bytes_max = 300;
inline constexpr std::size_t enrolment_pending_max = 8192;           ///< exchanges of a server; the oldest that waits for the device goes
inline constexpr std::chrono::seconds enrolment_time = 60s;          ///< for one exchange, from the hello to the verdict
inline constexpr std::chrono::seconds enrolment_linger = 10s;        ///< how long a verdict is kept for a repeated request
inline constexpr int enrolment_attempts_max = 8;                     ///< of each of the client's two datagrams
inline constexpr int enrolment_wrong_requests_max = 8;               ///< that decrypt to nothing, in one exchange: then it is given up
inline constexpr std::chrono::milliseconds enrolment_retry_first = 400ms;  ///< doubled up to enrolment_retry_max
inline constexpr std::chrono::milliseconds enrolment_retry_max = 4s;

// revocation, renewal and clones (envelope, server, client)
inline constexpr std::size_t revoked_clients_max = 1024;             ///< ids in one revocation list: those whose certificates still have an accepted epoch
inline constexpr std::size_t revocation_list_bytes_max = 86 + 16 * revoked_clients_max;
inline constexpr std::size_t revocation_reason_bytes_max = 200;
inline constexpr std::uint32_t renewals_of_client_max = 4;           ///< of one client's certificate in renewal_window, so that none takes all of:
inline constexpr std::chrono::seconds renewal_window = 1h;
inline constexpr std::uint32_t renewals_per_second = 200;            ///< of certificates, by one server; others are asked to come back
inline constexpr std::chrono::seconds renewal_spread = 1800s;        ///< over which the members renew who need not renew at once
inline constexpr std::chrono::seconds clock_jump = 60s;              ///< of the wall clock against the core's: a suspended device, or a resumed snapshot
inline constexpr std::chrono::seconds clone_window = 600s;           ///< in which two devices of one identity have to take turns to be noticed
inline constexpr int clone_returns = 2;                              ///< times that a former process of a client must come back in it
inline constexpr std::size_t clone_suspects_max = 1024;              ///< clients with more than one process in that time, remembered
inline constexpr std::size_t lost_lists_asked_max = 4;               ///< clients that a server asks for a list at one time, which it does not know
inline constexpr std::chrono::seconds lost_list_pause = 600s;        ///< for which a client is not asked again
inline constexpr std::size_t lost_list_askees_max = 1024;            ///< clients remembered for that; the oldest goes
inline constexpr std::chrono::seconds lost_epoch_patience = 30s;     ///< between a certificate of an epoch to come and an epoch beyond it, for a list
inline constexpr std::size_t list_peers_asked_max = 4;               ///< peers that a client asks for a newer list at one time; the server besides
inline constexpr std::chrono::seconds list_peer_turn = 3s;           ///< after which another is asked beside a peer that has not answered
inline constexpr std::chrono::seconds list_peer_pause = 60s;         ///< for which a peer is not asked again that had no such list after all
inline constexpr std::size_t list_peers_kept_max = 256;              ///< peers remembered for that; the oldest goes

// messages (wire)
inline constexpr std::size_t message_name_bytes_max = 256;        ///< names of offices, hosts and settings, versions, keys
inline constexpr std::size_t message_text_bytes_max = 1000;       ///< a sentence for people; longer ones are cut
inline constexpr std::size_t message_value_bytes_max = 8192;      ///< the value of a setting
inline constexpr std::size_t message_rows_max = 1u << 18;         ///< rows of a list in a large message
inline constexpr std::size_t message_settings_max = 1024;         ///< settings in a settings_reply
inline constexpr std::size_t locate_path_max = 16;                ///< offices from one's own to the central one
inline constexpr std::size_t locate_roster_max = 8;               ///< of one office in a locate_reply
inline constexpr std::size_t locate_holders_max = 8;              ///< of one office in a locate_reply
inline constexpr std::size_t want_others_max = 8;                 ///< further sources in a want_reply

// flow
inline constexpr std::size_t flows_of_peer_max = 64;  ///< that one peer may have opened to us; more are refused
inline constexpr std::size_t flow_received_ranges_max = 4096;  ///< pieces of disjoint bytes that a receiver remembers; more are dropped
inline constexpr std::size_t flow_done_ranges_max = 4096;  ///< the same at the sender; the receiver's word replaces what is forgotten
inline constexpr std::size_t flow_packet_ranges_max = 128;  ///< ranges of packet numbers that a receiver remembers
inline constexpr std::uint64_t flow_supply_ahead_bytes_min = 1u << 20;  ///< how far ahead of need the upper layer is asked for bytes
inline constexpr std::uint64_t flow_supply_ahead_bytes_max = 8u << 20;
inline constexpr std::uint64_t flow_window_bytes_max = 16u << 20;  ///< bytes under way of one flow
inline constexpr std::chrono::seconds flow_supply_forget_time = 1s;   ///< in which a window of bytes asked for and never sent is forgiven
inline constexpr std::uint64_t flow_skip_gap_min = 128;   ///< packets between two numbers that a sender leaves out, so that only who receives
inline constexpr std::uint64_t flow_skip_gap_max = 512;   ///< can acknowledge (RFC 9000, section 21.4): a liar is caught within a megabyte
inline constexpr std::size_t flow_endings_max = 256;  ///< ended flows whose end is repeated to a peer that goes on
inline constexpr std::chrono::seconds flow_retry_after_max = 60s;     ///< "come back later": nobody waits longer because a peer says so

// driver
inline constexpr std::size_t udp_queue_datagrams_max = 4096;      ///< datagrams that wait for a full socket, each socket
inline constexpr std::size_t fallback_readers_max = 4;            ///< fallback sources read at once
inline constexpr std::size_t fallback_readers_of_source_max = 3;  ///< of those from one kind of source, so that the other is not blocked
inline constexpr std::uint64_t cdn_pace_bytes_min = 8u << 10;     ///< a second: a read may last as long as its bytes at this pace, ...
inline constexpr std::chrono::seconds cdn_grace = 60s;            ///< ... and so long besides; then it is given up
inline constexpr std::size_t fallback_piece_bytes = 256u << 10;   ///< of content handed to a core at once
inline constexpr std::size_t file_store_entries_max = 10'000;     ///< files looked at to find a package by its size
inline constexpr std::chrono::seconds file_store_index_age = 10s;  ///< for which what a server has seen of those files is believed
inline constexpr std::size_t fallback_pieces_max = 16;            ///< pieces that wait for the core, each reader
inline constexpr std::size_t reader_pieces_max = 2;               ///< chunks that wait in a content_reader, the one being read included
inline constexpr std::size_t event_streams_max = 64;              ///< of one client; a further one ends at once with errc::limit_reached
inline constexpr std::size_t local_connections_max = 64;          ///< programs on this device that talk to one client

// server
inline constexpr std::size_t server_clients_max = 200'000;          ///< registered clients; further ones are refused
inline constexpr std::size_t server_contents_max = 200'000;         ///< published contents
inline constexpr std::size_t server_removed_contents_max = 1'000'000;   ///< ids that were published once, and what they meant (CLI-6)
inline constexpr std::size_t server_client_holdings_max = 20'000;   ///< of one client; further ones are ignored
inline constexpr std::size_t server_commits_pending_max = 16'384;   ///< requests that wait for the catalogue; more: errc::limit_reached
inline constexpr std::size_t server_admin_pending_max = 256;        ///< administrative changes that wait for their turn
inline constexpr std::size_t server_channels_max = 64;              ///< connectors' encrypted channels at one time
inline constexpr std::size_t server_channel_handshakes_of_host_max = 8;  ///< of one IPv4 address or IPv6 /64, while they have shown no key
inline constexpr int server_channel_flight_repeats_max = 4;         ///< of the server's first flight, to whoever showed a cookie only
inline constexpr std::size_t server_rosters_max = 20'000;           ///< frozen rankings; the least recently used goes
inline constexpr std::size_t server_roster_members_max = 32;        ///< of one frozen ranking
inline constexpr std::size_t server_links_max = 200'000;            ///< rows of the link ledger; bytes beyond are not counted
inline constexpr std::size_t server_attached_contents_max = 4096;   ///< contents served from the file store at one time
inline constexpr std::size_t server_uploads_max = 448;              ///< receivers of its file store: below transfer_uploads_max, to judge one more
inline constexpr std::size_t server_reporters_max = 16;             ///< clients that are remembered to have reported one peer
inline constexpr std::size_t server_strangers_blamed_max = 1024;     ///< peers with reports that are not registered; of those a week old the oldest go
inline constexpr std::size_t server_strangers_of_reporter_max = 8;   ///< of these, that one client may have named
inline constexpr std::size_t server_output_max = 65'536;            ///< events that wait for poll(); more are dropped
inline constexpr std::size_t catalogue_group_requests_max = 512;    ///< requests that share one transaction
inline constexpr std::size_t licence_key_bytes_max = 128;
inline constexpr std::uint32_t licence_seats_max = 10'000'000;

// transfer
inline constexpr std::size_t transfer_downloads_max = 256;           ///< contents that are downloaded at one time
inline constexpr std::size_t transfer_served_max = 1u << 16;         ///< contents that are served or downloaded
inline constexpr std::size_t transfer_uploads_max = 512;             ///< receivers served at one time; more are refused
inline constexpr std::size_t transfer_sources_max = 64;              ///< of one download, lost ones included
inline constexpr std::size_t transfer_status_sources_max = 16;       ///< office sources asked for what they hold before a WAN is used
inline constexpr std::size_t transfer_regions_max = 96;              ///< regions arriving or being verified, of all downloads; each may have one
inline constexpr std::size_t transfer_spare_regions_max = 16;        ///< buffers kept for the next regions
inline constexpr std::size_t transfer_verify_bytes_max = 16u << 20;  ///< handed to the store unanswered; nothing more is asked for until it answers
inline constexpr std::size_t transfer_reads_max = 64;                ///< unanswered reads of the store, of all uploads
inline constexpr std::size_t transfer_needs_max = 256;               ///< ranges that one receiver waits for
inline constexpr std::size_t transfer_fragments_max = 512;           ///< missing ranges of one region
inline constexpr std::size_t transfer_contributors_max = 8;          ///< peers that give parts of one region
inline constexpr std::uint32_t transfer_read_ahead_chunks = 16;      ///< fetched first, from where somebody reads
inline constexpr std::size_t transfer_pick_candidates_max = 256;     ///< chunks compared for the rarest
inline constexpr std::size_t transfer_blamed_max = 1024;             ///< peers remembered as blamed; the oldest goes
inline constexpr std::chrono::hours transfer_blame_time = 24h;        ///< how long a blamed peer is not used for any content
inline constexpr std::chrono::minutes transfer_guard_time = 10min;    ///< all payloads are authenticated after a sign of forgery
inline constexpr std::size_t transfer_evidence_max = 8;               ///< bad regions of a download that wait for right bytes
inline constexpr int transfer_integrity_attempts_max = 8;            ///< times a whole content may fail its hash before the download fails
inline constexpr int transfer_unfinished_max = 2;                    ///< failed attempts that a source left, after which it keeps no download alive
inline constexpr std::size_t transfer_attempt_claims_max = 1u << 18;  ///< chunks of failed attempts whose givers are remembered; the oldest go
inline constexpr std::chrono::seconds transfer_plain_patience = 60s;  ///< for the rest of a plain content; if its source needs more, another is tried
inline constexpr double transfer_plain_gain = 4;                     ///< a source that was so many times faster replaces one that is slow
inline constexpr std::chrono::minutes transfer_plain_crawl = 10min;  ///< as transfer_plain_patience, for asking a fallback source beside it
inline constexpr std::chrono::minutes transfer_refusal_time = 10min;  ///< who acknowledges what was never sent is not served for so long
inline constexpr std::chrono::milliseconds transfer_status_delay = 20ms;  ///< how long a verified chunk waits to be announced with others
inline constexpr std::chrono::seconds transfer_stall_time = 5s;      ///< a source that gives nothing of what it holds for so long is left
inline constexpr std::chrono::seconds transfer_watch_time = 10s;      ///< over which a source's pace is watched
inline constexpr std::uint64_t transfer_pace_bytes_min = 4u << 10;    ///< one that gives less in that time, though it was asked, is left
inline constexpr std::uint64_t transfer_crawl_bytes_max = 256u << 10; ///< one that gives less (a chunk) keeps its work and its place from nobody
inline constexpr std::uint64_t transfer_suspect_pace_bytes_min = 64u << 10;   ///< the same of one that gives again what did not fit, where others could
inline constexpr std::chrono::seconds transfer_claim_age = 120s;      ///< for how long it is believed of one and the same chunk
inline constexpr std::size_t transfer_claims_max = 256;               ///< chunks under way elsewhere that are believed of one source
inline constexpr std::chrono::seconds transfer_useless_time = 10s;   ///< one that holds nothing useful for so long makes room for another
inline constexpr std::chrono::seconds transfer_claim_time = 30s;     ///< how long another's word that it fetches a chunk is believed
inline constexpr std::chrono::seconds transfer_wanted_gap = 3s;      ///< between two sources_wanted
inline constexpr int transfer_retries_max = 5;                       ///< times in a row that a source may ask to come back later
inline constexpr std::size_t transfer_fallback_bytes_max = 8u << 20; ///< that a fallback source is asked for at once

// client
inline constexpr std::size_t client_events_max = 4096;               ///< outputs that wait for poll(); then notices are dropped, nothing else
inline constexpr std::size_t event_queue_ends_max = 4096;            ///< command_done that an event_stream's program has not read; then commands are refused
inline constexpr std::size_t event_queue_notices_max = 256;          ///< notices that it has not read; the oldest go
inline constexpr std::size_t event_queue_progress_max = 256;         ///< contents whose progress it has not read; the oldest go
inline constexpr std::size_t client_jobs_max = 200;                  ///< contents that a client fetches at one time; below transfer_downloads_max
inline constexpr std::size_t client_jobs_for_peer_max = 50;          ///< of those, begun because one and the same other client asked
inline constexpr std::size_t client_commands_max = 4096;             ///< commands that are not done yet
inline constexpr std::size_t client_peers_max = 4096;                ///< peers that are remembered for `peers`, `explain` and the order at a busy source
inline constexpr std::size_t client_contents_max = 65'536;           ///< contents of the store that are served and reported
inline constexpr std::size_t want_askers_max = 1024;                 ///< of one content, remembered to name them to each other
inline constexpr std::size_t wants_deferred_max = 64;                ///< want_requests of one content that wait for a decision
inline constexpr std::size_t polled_peers_max = 8;                   ///< roster members asked at once whether one acts already
inline constexpr std::size_t referrals_max = 3;                      ///< "not me, ask that one" followed in a row
inline constexpr std::size_t peer_reports_max = 64;                  ///< of blamed peers, that the server has not heard yet
inline constexpr std::size_t distrusted_peers_max = 64;              ///< of one content, whose word came to nothing
inline constexpr std::chrono::seconds distrust_time_min = 15s;       ///< for how long such a peer is passed over the first time; three times longer each time
inline constexpr std::chrono::seconds distrust_time_max = 900s;
inline constexpr std::uint64_t plain_relay_bytes_per_second = 256u << 10; ///< plain contents are passed on whole: this pace is waited for
inline constexpr std::chrono::minutes plain_relay_time_max = 30min;  ///< but never longer
inline constexpr std::chrono::seconds fruitless_time = 60s;          ///< a rendezvous point or upstream by which nothing comes for so long is passed over
inline constexpr std::chrono::seconds join_patience = 20s;           ///< for which a child office asks here, though another acts, before it is helped
inline constexpr std::chrono::seconds source_retry_max = 30s;        ///< "come back later" is heeded for so long at most
inline constexpr std::size_t uploads_office_max = 32;                ///< flows served at once to the own office
inline constexpr std::size_t uploads_child_max = 16;                 ///< flows served at once to child offices
inline constexpr std::size_t explain_notes_max = 16;                 ///< remarks kept for `explain`
inline constexpr std::uint64_t client_large_message_bytes_max = spreadsheet_bytes_max + (1u << 20);  ///< of one that the server sends to a client: a topology
inline constexpr std::size_t client_settings_max = 256;              ///< settings of the server that are remembered

// message layer
inline constexpr std::size_t message_requests_max = 4096;          ///< own requests that are open; more fail with errc::limit_reached
inline constexpr std::size_t message_answers_max = 65'536;         ///< requests of others, open or answered a while ago
inline constexpr std::size_t message_answer_bytes_max = 16u << 20; ///< of answers kept for repetitions; the oldest go first
inline constexpr std::uint64_t large_message_bytes_max = 64u << 20;      ///< of one large message, in connectors' channels; between nodes see below
inline constexpr std::size_t large_objects_max = 4096;             ///< large messages on offer; more are not offered
inline constexpr std::uint64_t large_object_bytes_max = 256u << 20;      ///< of all large messages on offer
inline constexpr std::size_t large_objects_of_peer_max = 64;       ///< on offer to one peer
inline constexpr std::uint64_t large_to_server_bytes_max = 184 * client_contents_max;   ///< of a client's request to the server: all holdings, longest ids
inline constexpr std::uint64_t large_between_clients_bytes_max = 64u << 10;  ///< and of a client's answer to the server; a revocation list has 16 KiB
inline constexpr std::size_t large_fetches_max = 256;              ///< being fetched of others' requests, and as many of answers; further offers wait
inline constexpr std::uint64_t large_fetch_bytes_max = 256u << 20; ///< announced by those above large_fetch_small_bytes; requests and answers each
inline constexpr std::uint64_t large_fetch_small_bytes = 64u << 10;      ///< so small ones count by their number only
inline constexpr std::size_t large_fetches_of_peer_max = 8;        ///< from one peer, together no more bytes than the largest that it may send
inline constexpr std::size_t large_sends_of_peer_max = 2 * large_fetches_of_peer_max;  ///< flows by which one peer fetches requests and answers
inline constexpr std::uint64_t large_fetch_pace_bytes_min = 4u << 10;    ///< a fetch that brings less than this ...
inline constexpr std::chrono::seconds large_fetch_watch_time = 10s;  ///< ... in so long leaves its room to another peer's; a client's answer ends
inline constexpr std::chrono::seconds large_fetch_turn_time = 60s;   ///< for so long no request is fetched from a peer that lost its room thus
inline constexpr std::size_t large_fetch_turns_max = 1024;         ///< such peers that are remembered; the one whose turn comes first goes
inline constexpr int large_fetch_attempts_max = 3;                 ///< flows opened for one large message
inline constexpr std::size_t secure_channel_output_records_max = 8192;   ///< that wait for poll(); more are dropped

}  // namespace p2pdist::limits
