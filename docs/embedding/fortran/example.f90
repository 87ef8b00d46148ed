! A ball in a box. Its path (time, x, y) goes into an incremental signature while the simulation runs.
! A Fortran array (channels, length) is a C array (length, channels): points one after the other.
module pysig
  use, intrinsic :: iso_c_binding
  implicit none

  ! The members of pysig_options, in the order of pysig/pysig.h.
  type, bind(c) :: pysig_options
    integer(c_size_t) :: size
    integer(c_int64_t) :: batch
    integer(c_int) :: stream, inverse, scalar_term, method, workers
    type(c_ptr) :: basepoint
    integer(c_int64_t) :: basepoint_size
    type(c_ptr) :: initial
    integer(c_int64_t) :: initial_size
    type(c_ptr) :: lengths
    integer(c_int64_t) :: lengths_size
  end type

  interface
    function pysig_last_error() bind(c) result(message)
      import
      type(c_ptr) :: message
    end function
    integer(c_int) function pysig_options_init(options, size) bind(c)
      import
      type(pysig_options), intent(out) :: options
      integer(c_size_t), value :: size
    end function
    integer(c_int) function pysig_signature_size(channels, depth, size) bind(c)
      import
      integer(c_int64_t), value :: channels
      integer(c_int), value :: depth
      integer(c_int64_t), intent(out) :: size
    end function
    integer(c_int) function pysig_signature_f64(path, path_size, channels, depth, options, out, out_size) bind(c)
      import
      real(c_double), intent(in) :: path(*)
      integer(c_int64_t), value :: path_size, channels
      integer(c_int), value :: depth
      type(pysig_options), intent(in), optional :: options
      real(c_double), intent(out) :: out(*)
      integer(c_int64_t), value :: out_size
    end function
    integer(c_int) function pysig_incremental_create_f64(channels, depth, incremental) bind(c)
      import
      integer(c_int64_t), value :: channels
      integer(c_int), value :: depth
      type(c_ptr), intent(out) :: incremental
    end function
    integer(c_int) function pysig_incremental_push_f64(incremental, points, points_size) bind(c)
      import
      type(c_ptr), value :: incremental
      real(c_double), intent(in) :: points(*)
      integer(c_int64_t), value :: points_size
    end function
    integer(c_int) function pysig_incremental_signature_f64(incremental, out, out_size) bind(c)
      import
      type(c_ptr), value :: incremental
      real(c_double), intent(out) :: out(*)
      integer(c_int64_t), value :: out_size
    end function
    subroutine pysig_incremental_destroy_f64(incremental) bind(c)
      import
      type(c_ptr), value :: incremental
    end subroutine
  end interface

contains

  ! The message of the last failure of this thread.
  function message() result(text)
    character(:), allocatable :: text
    character(kind=c_char), pointer :: letters(:)
    integer :: i
    call c_f_pointer(pysig_last_error(), letters, [1024])
    text = ""
    do i = 1, 1024
      if (letters(i) == c_null_char) exit
      text = text // letters(i)
    end do
  end function

  subroutine check(status)
    integer(c_int), intent(in) :: status
    if (status == 0) return
    print "(a)", message()
    stop 1
  end subroutine
end module

program ball
  use pysig
  implicit none
  integer(c_int64_t), parameter :: channels = 3
  integer(c_int), parameter :: depth = 3, steps = 1000
  real(c_double), parameter :: dt = 1.0_c_double / 64
  real(c_double) :: path(channels, 0:steps), t, x, y, vx, vy
  real(c_double), allocatable :: s(:)
  type(pysig_options) :: options
  type(c_ptr) :: incremental
  integer(c_int64_t) :: size_of_signature
  integer :: step

  call check(pysig_signature_size(channels, depth, size_of_signature))
  allocate(s(size_of_signature + 1))
  call check(pysig_incremental_create_f64(channels, depth, incremental))
  t = 0; x = 0.5_c_double; y = 0.25_c_double; vx = 0.75_c_double; vy = -1.25_c_double
  do step = 0, steps
    path(:, step) = [t, x, y]
    call check(pysig_incremental_push_f64(incremental, path(:, step), channels))  ! allocates nothing
    t = t + dt
    x = x + vx * dt
    y = y + vy * dt
    if (x < 0 .or. x > 1) vx = -vx
    if (y < 0 .or. y > 1) vy = -vy
  end do
  call check(pysig_incremental_signature_f64(incremental, s, size_of_signature))
  print "(a, *(1x, es24.16e3))", "incremental", s(:size_of_signature)
  call pysig_incremental_destroy_f64(incremental)

  ! A whole path at once, with options.
  call check(pysig_options_init(options, c_sizeof(options)))
  options%scalar_term = 1
  call check(pysig_signature_f64(path, size(path, kind=c_int64_t), channels, depth, options, s, size_of_signature + 1))
  print "(a, *(1x, es24.16e3))", "signature", s

  if (pysig_signature_f64(path, size(path, kind=c_int64_t), channels, 0_c_int, out=s, out_size=size_of_signature) /= 0) then
    print "(2a)", "refused ", message()
  end if
end program
