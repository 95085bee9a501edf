"""A simulated camera and the detector: ros2 launch goshawk demo.launch.py."""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

HERE = Path(__file__).resolve().parent
IMAGE_TOPIC = "/camera/image_raw"

CAMERA_ARGUMENTS = {
    "source": ("sim", str, "sim, dir:FOLDER or mcap:FILE"),
    "rate": ("30.0", float, "frames per second"),
    "width": ("1280", int, "image width"),
    "height": ("720", int, "image height"),
}


def generate_launch_description() -> LaunchDescription:
    """Starts perception, then the camera: perception sets the DDS profile for both."""
    camera = Node(
        package="goshawk",
        executable="camera",
        name="camera",
        namespace="camera",
        parameters=[
            {
                "topic": IMAGE_TOPIC,
                **{
                    name: ParameterValue(LaunchConfiguration(name), value_type=kind)
                    for name, (_, kind, _) in CAMERA_ARGUMENTS.items()
                },
            }
        ],
        output="screen",
        emulate_tty=True,
    )
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(name, default_value=default, description=text)
                for name, (default, _, text) in CAMERA_ARGUMENTS.items()
            ),
            DeclareLaunchArgument("http_port", default_value="8080", description="port of the web page, 0 for none"),
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(str(HERE / "perception.launch.py")),
                launch_arguments={"image_topics": IMAGE_TOPIC}.items(),
            ),
            camera,
        ]
    )
